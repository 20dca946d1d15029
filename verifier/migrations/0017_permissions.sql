-- Permissions to tell another body something, and each time that it was told by them. Who gave them, and about whom they are, is sealed.

CREATE TABLE permission (
    id TEXT PRIMARY KEY,         -- 128 random bits, which the holder signed
    exchange TEXT NOT NULL,      -- the request in answer to which it was given
    terms TEXT NOT NULL,         -- its limits as they were signed, as JSON; nothing about anybody
    sealed BLOB NOT NULL,        -- what was shown with it, the holder's key, and the names
    given_at BIGINT NOT NULL,
    used BIGINT NOT NULL,        -- how often something was told by it
    withdrawn_at BIGINT,
    keep_until BIGINT NOT NULL
);
CREATE INDEX permission_given ON permission (given_at);
CREATE INDEX permission_keep ON permission (keep_until);

CREATE TABLE permission_use (
    permission TEXT NOT NULL,
    n BIGINT NOT NULL,           -- 1, 2, 3 … also of what was refused
    at BIGINT NOT NULL,
    reference TEXT NOT NULL,     -- the caller's own: the same one again is the same use
    categories TEXT NOT NULL,    -- codes, as JSON
    code TEXT NOT NULL,          -- empty for what was told, else why it was refused
    place TEXT NOT NULL,         -- which limit was in the way
    receipt TEXT NOT NULL,       -- what the receipt is bound to, as JSON; empty for what was refused
    log_size BIGINT NOT NULL,
    log_digest BLOB NOT NULL,
    PRIMARY KEY (permission, n)
);
