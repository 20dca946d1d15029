-- The donor's side of a power of attorney: her own document, and what is reported to her. Times are seconds since the epoch, UTC.

CREATE TABLE granted (
    document TEXT PRIMARY KEY REFERENCES document (id),          -- hers
    representation TEXT NOT NULL UNIQUE REFERENCES document (id) -- the attorney's
);

CREATE TABLE report_box (
    tag BLOB PRIMARY KEY,                                        -- SHA-256 of the secret that her document has
    representation TEXT NOT NULL UNIQUE REFERENCES document (id),
    recipient TEXT NOT NULL                                      -- the public key that reports are sealed to (JWK); empty before she left one
);

CREATE TABLE report (
    id TEXT PRIMARY KEY,
    tag BLOB NOT NULL,
    sealed TEXT NOT NULL,                                        -- nobody here can read it; all have one size
    day BIGINT NOT NULL                                          -- on which it came, to the day
);
CREATE INDEX report_tag ON report (tag, day);
