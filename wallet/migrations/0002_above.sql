-- What those above this wallet service in federations say of it, as it was last heard. Times are seconds since the epoch, UTC.
CREATE TABLE own_superior (
    entity TEXT PRIMARY KEY,
    statement TEXT NOT NULL,     -- its statement about us; empty before the first
    name TEXT NOT NULL,
    tried_at BIGINT NOT NULL,
    fault TEXT NOT NULL
);

-- The trust marks that they have given it; they stand in what it says of itself.
CREATE TABLE own_mark (
    issuer TEXT NOT NULL,
    type TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    token TEXT NOT NULL,
    PRIMARY KEY (issuer, type)
);
