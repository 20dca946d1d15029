-- Status lists. An entry is written once for each index that was ever given away, and stays when its copy has expired:
-- no index is used twice. Entries without a document are unlinked copies or decoys (security rule S23).

CREATE TABLE status_list (
    id BIGINT PRIMARY KEY,
    size BIGINT NOT NULL,       -- entries
    version BIGINT NOT NULL,     -- rises with each change of a value
    published BIGINT NOT NULL,   -- the version that the token tells
    issued_at BIGINT NOT NULL,   -- iat of the token, 0 before the first
    token TEXT NOT NULL
);

CREATE TABLE status_entry (
    list BIGINT NOT NULL REFERENCES status_list (id),
    idx BIGINT NOT NULL,
    document TEXT,
    value BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (list, idx)
);
CREATE INDEX status_entry_document ON status_entry (document);
CREATE INDEX status_entry_changed ON status_entry (list, value) WHERE value <> 0;
