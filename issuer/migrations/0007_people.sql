-- Holders who sign in at the office: what each document is opened by. Nobody's name, birth date or outside account is here, only HMACs
-- under a key of the custodian.

CREATE TABLE holder (
    id TEXT PRIMARY KEY,         -- random; the person behind it is nowhere
    made_at BIGINT NOT NULL
);

CREATE TABLE held (
    document TEXT PRIMARY KEY REFERENCES document (id),
    holder TEXT NOT NULL REFERENCES holder (id)
);
CREATE INDEX held_holder ON held (holder);

CREATE TABLE activation (
    document TEXT PRIMARY KEY REFERENCES document (id),
    invitation TEXT NOT NULL REFERENCES invitation (id),
    code BLOB NOT NULL UNIQUE,   -- HMAC of the code in the letter
    birth BLOB NOT NULL,         -- HMAC of the date of birth, tied to the document
    attempts BIGINT NOT NULL,    -- wrong dates of birth since the last right one
    agreed_at BIGINT,            -- the holder first agreed to the document being made
    expires_at BIGINT NOT NULL
);
CREATE INDEX activation_expiry ON activation (expires_at);

CREATE TABLE login (
    account BLOB PRIMARY KEY,    -- HMAC of the provider and its name for the person
    holder TEXT NOT NULL REFERENCES holder (id)
);
CREATE INDEX login_holder ON login (holder);
