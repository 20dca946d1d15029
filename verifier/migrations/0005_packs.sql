-- Checking packs that others made and that were applied here, how far a download has come, and status lists in their other form.

ALTER TABLE status_list ADD COLUMN pack TEXT NOT NULL DEFAULT '';  -- digest of the pack that brought it; empty if it was fetched

CREATE TABLE status_list_cwt (
    uri TEXT PRIMARY KEY,
    iat BIGINT NOT NULL,
    data BLOB NOT NULL
);

CREATE TABLE seen_pack (
    signer TEXT PRIMARY KEY,     -- RFC 7638 thumbprint; a pack of this signer older than this one is refused (security rule S17)
    seq BIGINT NOT NULL,
    iat BIGINT NOT NULL,
    digest TEXT NOT NULL
);

CREATE TABLE applied_pack (
    digest TEXT PRIMARY KEY,     -- of the manifest's signing input
    signer TEXT NOT NULL,
    iss TEXT NOT NULL,
    seq BIGINT NOT NULL,
    iat BIGINT NOT NULL,
    exp BIGINT NOT NULL,
    applied_at BIGINT NOT NULL,
    actor TEXT NOT NULL,         -- who brought it, or `timer`
    contents TEXT NOT NULL       -- how many of each kind, as JSON
);

CREATE TABLE pack_download (
    url TEXT PRIMARY KEY,
    tried_at BIGINT NOT NULL,
    done_etag TEXT NOT NULL,     -- of the last pack that was applied from there
    etag TEXT NOT NULL,          -- of the pack that is being fetched
    fault TEXT NOT NULL
);

CREATE TABLE pack_piece (
    url TEXT NOT NULL,
    start BIGINT NOT NULL,       -- bytes before this piece
    data BLOB NOT NULL,
    PRIMARY KEY (url, start)
);
