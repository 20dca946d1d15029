-- A service's log (shared.web.log): names of details, never their values. When its time is over an entry goes, with its salt; the commitment
-- stays. Verifiers have had the first two tables since their own second step.

CREATE TABLE IF NOT EXISTS log_entry (
    n BIGINT PRIMARY KEY,        -- 1, 2, 3 …
    at BIGINT NOT NULL,
    commitment BLOB NOT NULL,    -- SHA-256 of salt and entry
    salt BLOB,
    entry TEXT,
    keep_until BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS log_entry_keep ON log_entry (keep_until);

CREATE TABLE IF NOT EXISTS log_head (
    name TEXT PRIMARY KEY,       -- one row, so that two writers meet
    size BIGINT NOT NULL,
    digest BLOB                  -- NULL while the log is empty
);
INSERT INTO log_head (name, size, digest) VALUES ('decisions', 0, NULL) ON CONFLICT (name) DO NOTHING;

-- The head as it was signed, once a UTC day: whoever keeps one sees later whether the log was rewritten. `day` counts from 1970.
CREATE TABLE log_signed (
    day BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    size BIGINT NOT NULL,
    digest BLOB NOT NULL,
    token TEXT NOT NULL
);

-- How far what was written down elsewhere has been entered.
CREATE TABLE log_followed (
    source TEXT PRIMARY KEY,
    n BIGINT NOT NULL
);
