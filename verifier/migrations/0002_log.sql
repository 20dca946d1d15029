-- The log of decisions: names of details, never their values. When its time is over an entry goes, with its salt; the commitment stays.

CREATE TABLE log_entry (
    n BIGINT PRIMARY KEY,        -- 1, 2, 3 …
    at BIGINT NOT NULL,
    commitment BLOB NOT NULL,    -- SHA-256 of salt and entry
    salt BLOB,
    entry TEXT,
    keep_until BIGINT NOT NULL
);
CREATE INDEX log_entry_keep ON log_entry (keep_until);

CREATE TABLE log_head (
    name TEXT PRIMARY KEY,       -- one row, so that two writers meet
    size BIGINT NOT NULL,
    digest BLOB                  -- NULL while the log is empty
);
INSERT INTO log_head (name, size, digest) VALUES ('decisions', 0, NULL);
