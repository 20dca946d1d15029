-- What checks are made with: fetched on a timer for everybody alike, never because somebody showed something (security rule S21).

CREATE TABLE issuer (
    entity TEXT PRIMARY KEY,
    tried_at BIGINT NOT NULL,
    fetched_at BIGINT,           -- the last visit that brought everything
    faults TEXT NOT NULL         -- what the last visit did not bring, one a line
);

CREATE TABLE status_list (
    uri TEXT PRIMARY KEY,
    entity TEXT NOT NULL,
    iat BIGINT NOT NULL,
    token TEXT NOT NULL,
    fetched_at BIGINT NOT NULL
);

CREATE TABLE type_metadata (
    entity TEXT NOT NULL,
    vct TEXT NOT NULL,
    data BLOB NOT NULL,
    fetched_at BIGINT NOT NULL,
    PRIMARY KEY (entity, vct)
);

CREATE TABLE status_memory (
    name TEXT PRIMARY KEY,       -- one row: what lists have taught, which nobody can take back (security rule S19)
    data TEXT NOT NULL
);

CREATE TABLE pack (
    seq BIGINT PRIMARY KEY,      -- number of a checking pack
    digest TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
