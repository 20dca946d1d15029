-- The bodies below this office in a federation, where it is a superior. Times are seconds since the epoch, UTC.
CREATE TABLE subordinate (
    entity TEXT PRIMARY KEY,
    name TEXT NOT NULL,          -- what it is called on our pages
    state TEXT NOT NULL,         -- invited, waiting, active, ended
    version BIGINT NOT NULL,     -- grows with every change: whoever decides names the one that was looked at
    terms TEXT NOT NULL,         -- what is granted to it (JSON)
    keys TEXT NOT NULL,          -- its federation keys as they were proven (JWK Set); empty before the first approval
    wanted_terms TEXT,           -- what a second person has to look at; NULL if nothing waits
    wanted_keys TEXT,            -- keys with which it joined, which nobody has looked at yet
    wanted_by TEXT NOT NULL,     -- who wrote what waits
    configuration TEXT NOT NULL, -- what it said of itself when it was last asked or joined; empty before
    published_at BIGINT,         -- when its own address last served a configuration with the keys that wait or count
    tried_at BIGINT,
    fault TEXT NOT NULL,         -- what was wrong with the last visit; empty if nothing was
    made_at BIGINT NOT NULL,
    ended_at BIGINT
);

CREATE TABLE federation_invitation (
    code BLOB PRIMARY KEY,       -- SHA-256 of the code
    entity TEXT NOT NULL REFERENCES subordinate (entity),
    expires_at BIGINT NOT NULL
);

CREATE TABLE subordinate_key (
    thumbprint TEXT PRIMARY KEY, -- RFC 9679
    entity TEXT NOT NULL REFERENCES subordinate (entity),
    role TEXT NOT NULL,
    state TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    ended_at BIGINT,
    reason TEXT NOT NULL
);

CREATE TABLE federation_event (
    n BIGINT PRIMARY KEY,
    entity TEXT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,          -- invited, joined, proposed, approved, refused, ended
    role TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX federation_event_entity ON federation_event (entity);

CREATE TABLE federation_statement (
    sub TEXT PRIMARY KEY,
    content TEXT NOT NULL,       -- digest of what it says, dates left out
    issued_at BIGINT NOT NULL,
    token TEXT NOT NULL
);

CREATE TABLE federation_mark (
    digest TEXT PRIMARY KEY,     -- SHA-256 of the token, base64url
    sub TEXT NOT NULL,
    type TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    withdrawn_at BIGINT,
    token TEXT NOT NULL
);

CREATE TABLE federation_publication (
    seq BIGINT PRIMARY KEY,
    issued_at BIGINT NOT NULL,
    content TEXT NOT NULL,
    historical TEXT NOT NULL,    -- our keys that have ended, signed (jwk-set+jwt)
    document BLOB                -- snapshot and files as they are served; only the newest is kept
);

-- What those above this office say of it, as it was last heard.
CREATE TABLE own_superior (
    entity TEXT PRIMARY KEY,
    statement TEXT NOT NULL,     -- its statement about us; empty before the first
    name TEXT NOT NULL,
    tried_at BIGINT NOT NULL,
    fault TEXT NOT NULL
);
