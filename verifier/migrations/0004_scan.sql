-- Desks that check what is shown to them without a network, and what they share with each other: which answers were taken, one checking pack.

CREATE TABLE scan_desk (
    id TEXT PRIMARY KEY,             -- 128 random bits
    name TEXT NOT NULL,
    cose_key BLOB NOT NULL,          -- its public key as COSE_Key; the private half never leaves the desk
    token_hash TEXT NOT NULL,        -- SHA-256 of what the desk calls with
    made_at BIGINT NOT NULL,
    certified_until BIGINT NOT NULL, -- when its newest certificate ends
    seen_at BIGINT NOT NULL,         -- its last visit, for its certificate or the checking pack
    ended_at BIGINT                  -- since then it gets no certificate and no verdict
);

CREATE TABLE scan_nonce (
    key BLOB PRIMARY KEY,            -- HMAC of challenge or code: one answer each, whichever desk takes it
    expires_at BIGINT NOT NULL
);
CREATE INDEX scan_nonce_expiry ON scan_nonce (expires_at);

CREATE TABLE scan_pack (
    name TEXT PRIMARY KEY,           -- one row: the checking pack that desks are given at present
    etag TEXT NOT NULL,
    data BLOB NOT NULL,
    made_at BIGINT NOT NULL
);
