-- Requests for a presentation, and copies that were brought in. What a holder showed is sealed, and deleted soon.

CREATE TABLE exchange (
    id TEXT PRIMARY KEY,         -- 128 random bits
    kind TEXT NOT NULL,          -- request, copy
    state TEXT NOT NULL,         -- requested, retrieved, declined, answered
    made_by TEXT NOT NULL,       -- desk, program: a role, never a name
    terms TEXT NOT NULL,         -- what is asked and why, as JSON; nothing about anybody
    secrets BLOB,                -- sealed: nonce, state and the key for the answer; gone once answered
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,  -- until then it can be answered
    ended_at BIGINT,             -- when it was answered
    decision TEXT NOT NULL,      -- '' until answered
    code TEXT NOT NULL,
    verdict BLOB,                -- sealed: the verdict with everything that was shown
    keep_until BIGINT,           -- when the verdict goes
    log_size BIGINT,             -- the state of the log with this decision in it
    log_digest BLOB,
    forget_at BIGINT NOT NULL    -- when the row goes
);
CREATE INDEX exchange_made ON exchange (made_at, id);
CREATE INDEX exchange_keep ON exchange (keep_until);
CREATE INDEX exchange_forget ON exchange (forget_at);

CREATE TABLE seen_presentation (
    key BLOB PRIMARY KEY,        -- HMAC of the replay key (security rule S9)
    first_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX seen_presentation_expiry ON seen_presentation (expires_at);
