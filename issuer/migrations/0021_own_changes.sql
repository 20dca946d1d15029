-- Documents of this office that changed, of kinds that others of its kinds follow, until that was looked at: within a round.
CREATE TABLE own_change (
    document TEXT NOT NULL REFERENCES document (id),
    version BIGINT NOT NULL,
    became TEXT NOT NULL,        -- valid, on-hold, cancelled
    claims BLOB NOT NULL,        -- sealed as they were in the document
    PRIMARY KEY (document, version)
);
