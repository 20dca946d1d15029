-- Whom this organisation knows already, and what they have told it before: found only by the reference in the document that it gave them.

CREATE TABLE known_customer (
    key BLOB PRIMARY KEY,        -- HMAC of that reference: nobody can be looked up without it
    sealed BLOB NOT NULL,
    keep_until BIGINT NOT NULL
);
CREATE INDEX known_customer_keep ON known_customer (keep_until);

-- What this organisation has recorded or knows already, to count how often it asks for it again (check T-OA-5).

CREATE TABLE recorded_fact (
    key BLOB PRIMARY KEY,        -- HMAC of the use and of whom it was about
    until BIGINT NOT NULL
);

CREATE TABLE asked_twice (
    purpose TEXT PRIMARY KEY,    -- the intended use
    count BIGINT NOT NULL
);
