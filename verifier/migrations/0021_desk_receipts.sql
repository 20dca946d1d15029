-- What desks told of the receipts that they gave without a network. The receipt itself, which says what it is about, stays with its holder.

CREATE TABLE desk_receipt (
    id BLOB PRIMARY KEY,             -- SHA-256 of what the desk signed
    receipt_id TEXT NOT NULL,        -- of the receipt that confirms it
    told_at BIGINT NOT NULL,
    log_size BIGINT NOT NULL,        -- the head of the log with its line
    log_digest BLOB NOT NULL,
    forget_at BIGINT NOT NULL
);
CREATE INDEX desk_receipt_forget ON desk_receipt (forget_at);
