-- The trust marks that those above this office have given it; they stand in what it says of itself.
CREATE TABLE own_mark (
    issuer TEXT NOT NULL,
    type TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    token TEXT NOT NULL,
    PRIMARY KEY (issuer, type)
);
