-- Those who ask for documents and are registered by this office, where it is a registrar. Times are seconds since the epoch, UTC.
CREATE TABLE asker (
    entity TEXT PRIMARY KEY,
    country TEXT NOT NULL,       -- two letters, by the word of whoever invited it
    state TEXT NOT NULL,         -- invited, active, ended
    version BIGINT NOT NULL,     -- grows with every change: whoever decides names the one that was looked at
    name TEXT NOT NULL,          -- in English, what it is called on our pages
    name_cy TEXT NOT NULL,
    jwk TEXT NOT NULL,           -- the key with which it asks, as it is registered; empty before
    uses BLOB NOT NULL,          -- what it may ask for, as it is registered (CBOR); empty before
    wanted TEXT,                 -- its application that waits, or is announced; NULL if there is none
    wanted_by TEXT NOT NULL,     -- who invited it, or itself
    counts_at BIGINT,            -- from when on the application counts, once two have agreed; NULL while it waits
    shown_at BIGINT,             -- when its own address last showed the key of the application
    tried_at BIGINT,
    said_at BIGINT NOT NULL,     -- date of its newest application: an older one does not come back
    ends_at BIGINT,              -- by when it has to be argued again
    made_at BIGINT NOT NULL,
    ended_at BIGINT
);

CREATE TABLE asker_invitation (
    code BLOB PRIMARY KEY,       -- SHA-256 of the code
    entity TEXT NOT NULL REFERENCES asker (entity),
    expires_at BIGINT NOT NULL
);

CREATE TABLE asker_key (
    thumbprint TEXT PRIMARY KEY, -- RFC 9679
    entity TEXT NOT NULL REFERENCES asker (entity),
    begun_at BIGINT NOT NULL,
    compromised_at BIGINT        -- since when it counts for nothing, whoever registers with it
);

-- What was registered from when on; read by everybody, never changed.
CREATE TABLE asker_version (
    entity TEXT NOT NULL REFERENCES asker (entity),
    n BIGINT NOT NULL,
    at BIGINT NOT NULL,
    uses BLOB NOT NULL,
    PRIMARY KEY (entity, n)
);

CREATE TABLE asker_event (
    n BIGINT PRIMARY KEY,
    entity TEXT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,          -- invited, applied, approved, announced, refused, ended, compromised, lapsed
    role TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX asker_event_entity ON asker_event (entity);

CREATE TABLE asker_certificate (
    entity TEXT PRIMARY KEY REFERENCES asker (entity),
    content TEXT NOT NULL,       -- digest of what it says, dates left out
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    data BLOB NOT NULL           -- rp-cert
);
