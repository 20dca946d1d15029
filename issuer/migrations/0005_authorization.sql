-- Sign-ins at the issuer's own authorization server, and tokens that are tied to keys.

CREATE TABLE authorization_request (
    id TEXT PRIMARY KEY,             -- what the pages call it
    reference BLOB NOT NULL UNIQUE,  -- SHA-256 of the request_uri
    reference_until BIGINT NOT NULL, -- 90 seconds after it was pushed
    client TEXT NOT NULL,
    client_name TEXT NOT NULL,       -- as its maker says; empty where it says nothing
    provider TEXT NOT NULL,          -- who made the wallet, as the certificate says
    instance TEXT NOT NULL,          -- thumbprint of the key that the maker vouched for
    jkt TEXT,                        -- thumbprint of the DPoP key that the code is tied to
    request TEXT NOT NULL,           -- what was pushed, as a form
    state TEXT NOT NULL,             -- pushed, begun, granted, redeemed
    until BIGINT NOT NULL,           -- end of the present state
    documents TEXT NOT NULL,         -- numbers of the documents that were granted, with spaces between
    code BLOB UNIQUE,                -- SHA-256 of the code
    entitlement TEXT,                -- what the code was changed for: ended if the code comes a second time
    expires_at BIGINT NOT NULL       -- the row goes
);
CREATE INDEX authorization_request_expiry ON authorization_request (expires_at);

ALTER TABLE entitlement ADD COLUMN client TEXT;                              -- NULL for a wallet that did not say who it is
ALTER TABLE entitlement ADD COLUMN instance TEXT;                            -- thumbprint of its attested key
ALTER TABLE entitlement ADD COLUMN jkt TEXT;                                 -- thumbprint of the DPoP key; NULL for bearer tokens
ALTER TABLE entitlement ADD COLUMN configurations TEXT NOT NULL DEFAULT ''; -- with spaces between; empty for all of the document's type
ALTER TABLE entitlement ADD COLUMN named INTEGER NOT NULL DEFAULT 0;         -- 1: copies are asked for by credential identifier

CREATE TABLE entitled (
    entitlement TEXT NOT NULL REFERENCES entitlement (id),
    place BIGINT NOT NULL,
    document TEXT NOT NULL REFERENCES document (id),
    PRIMARY KEY (entitlement, document)
);
CREATE INDEX entitled_document ON entitled (document);
INSERT INTO entitled (entitlement, place, document) SELECT id, 0, document FROM entitlement;

ALTER TABLE invitation ADD COLUMN issuer_state BLOB;                         -- SHA-256 of what an offer with a sign-in carries
CREATE UNIQUE INDEX invitation_issuer_state ON invitation (issuer_state);

ALTER TABLE document ADD COLUMN approval TEXT NOT NULL DEFAULT '';           -- empty, waiting, approved, refused
CREATE INDEX document_waiting ON document (made_at) WHERE approval = 'waiting';

CREATE TABLE deferral (
    digest BLOB PRIMARY KEY,         -- SHA-256 of the transaction id
    entitlement TEXT NOT NULL REFERENCES entitlement (id),
    document TEXT NOT NULL REFERENCES document (id),
    sealed BLOB NOT NULL,            -- the holder's keys and what was asked for, until copies are picked up
    expires_at BIGINT NOT NULL
);
CREATE INDEX deferral_entitlement ON deferral (entitlement);
CREATE INDEX deferral_expiry ON deferral (expires_at);

CREATE TABLE service_key (
    kid TEXT PRIMARY KEY,
    sealed BLOB NOT NULL,            -- private key that requests are encrypted for
    made_at BIGINT NOT NULL
);
