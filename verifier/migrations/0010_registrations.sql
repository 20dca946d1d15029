-- What this organisation had registered from when on: one row a version, for the public register.

CREATE TABLE registration_version (
    n BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    uses BLOB NOT NULL           -- the registered uses in CBOR, as in its certificate (docs/ovp.md section 5.1)
);
