-- Where the status stands of documents that were accepted here, where the organisation's own program is told what becomes of them.
-- Nobody's name and nothing that was shown is here; a row goes when the copy that was shown has ended.
CREATE TABLE watched (
    exchange TEXT NOT NULL,
    query TEXT NOT NULL,         -- which of the documents that were shown
    vct TEXT NOT NULL,
    issuer TEXT NOT NULL,
    uri TEXT NOT NULL,
    idx BIGINT NOT NULL,
    became TEXT NOT NULL,        -- what our program knows: valid, on-hold
    looked BIGINT NOT NULL,      -- the date of the list that was read last
    ends_at BIGINT NOT NULL,
    PRIMARY KEY (exchange, query)
);
CREATE INDEX watched_list ON watched (issuer, uri, looked);
CREATE INDEX watched_end ON watched (ends_at);
