-- What the registry keeps. No holder key and no issued copy is ever written here (security rule S24).

CREATE TABLE document (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    reference BLOB,              -- HMAC of the office's own case reference, never the reference
    claims BLOB,                 -- sealed, NULL when they are no longer held
    standing BIGINT NOT NULL,   -- as in the status list: 0 in force, 1 cancelled, 2 on hold
    version BIGINT NOT NULL,    -- rises with each event
    made_at BIGINT NOT NULL,
    collected_at BIGINT,
    valid_until BIGINT,
    keep_until BIGINT NOT NULL   -- claims go at this time at the latest
);
CREATE INDEX document_reference ON document (reference);
CREATE INDEX document_made ON document (made_at, id);
CREATE INDEX document_keep ON document (keep_until);

CREATE TABLE invitation (
    id TEXT PRIMARY KEY,
    document TEXT NOT NULL REFERENCES document (id),
    turn BIGINT NOT NULL,        -- first, second … invitation to the document
    page BLOB NOT NULL UNIQUE,   -- SHA-256 of the random token in the link
    code BLOB NOT NULL UNIQUE,   -- SHA-256 of the pre-authorized code
    tx_code BLOB,                -- HMAC of the collection code, NULL when none is asked for
    sealed BLOB,                 -- token and collection code, for the clerk, until the invitation ends
    attempts BIGINT NOT NULL,
    state TEXT NOT NULL,         -- offered, redeemed, locked, lapsed, withdrawn
    expires_at BIGINT NOT NULL
);
CREATE INDEX invitation_document ON invitation (document);
CREATE INDEX invitation_open ON invitation (state, expires_at);

CREATE TABLE entitlement (
    id TEXT PRIMARY KEY,         -- one redemption: the family of its tokens
    document TEXT NOT NULL REFERENCES document (id),
    ended INTEGER NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX entitlement_document ON entitlement (document);
CREATE INDEX entitlement_expiry ON entitlement (expires_at);

CREATE TABLE token (
    digest BLOB PRIMARY KEY,
    entitlement TEXT NOT NULL REFERENCES entitlement (id),
    kind TEXT NOT NULL,          -- access, refresh
    spent INTEGER NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX token_entitlement ON token (entitlement);
CREATE INDEX token_expiry ON token (expires_at);

CREATE TABLE spent_nonce (
    digest BLOB PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX spent_nonce_expiry ON spent_nonce (expires_at);

CREATE TABLE delivery (
    digest BLOB PRIMARY KEY,     -- SHA-256 of the notification id
    document TEXT NOT NULL REFERENCES document (id),
    told TEXT NOT NULL,          -- events already told, separated by spaces
    expires_at BIGINT NOT NULL
);
CREATE INDEX delivery_expiry ON delivery (expires_at);

CREATE TABLE event (
    document TEXT NOT NULL REFERENCES document (id),
    version BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    actor_role TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    copies BIGINT NOT NULL,
    PRIMARY KEY (document, version)
);

CREATE TABLE idempotency (
    digest BLOB PRIMARY KEY,     -- SHA-256 of caller and key
    body BLOB NOT NULL,          -- HMAC of the request: a bare digest of names and dates could be guessed
    answer BLOB NOT NULL,        -- sealed
    expires_at BIGINT NOT NULL
);
CREATE INDEX idempotency_expiry ON idempotency (expires_at);
