-- Documents that this organisation's own issuer made after a decision here: that an authority was recorded, that somebody is known.

CREATE TABLE given_document (
    exchange TEXT NOT NULL,      -- the decision that it follows
    kind TEXT NOT NULL,          -- mandate-receipt, known-here
    state TEXT NOT NULL,         -- ordered, made, ended
    standing TEXT NOT NULL,      -- what our issuer was last told of it: valid, on-hold, cancelled
    sealed BLOB NOT NULL,        -- the order, and once it is made its number, invitation and what it follows
    made_at BIGINT NOT NULL,
    keep_until BIGINT NOT NULL,
    PRIMARY KEY (exchange, kind)
);
CREATE INDEX given_document_keep ON given_document (keep_until);
