-- Copies that were posted here: the keys that open letters, the letters themselves, and those that are passed on to somebody else's inbox.
-- Nothing in a row names a holder: what was shown lies sealed in its exchange.

CREATE TABLE inbox_key (
    n BIGINT PRIMARY KEY,        -- 1, 2, 3 …: the last one is registered
    kid TEXT NOT NULL,           -- thumbprint of the public half
    public TEXT NOT NULL,        -- JWK
    private BLOB NOT NULL,       -- sealed
    made_at BIGINT NOT NULL
);

CREATE TABLE letter (
    ticket BLOB PRIMARY KEY,     -- HMAC of what the sender asks for the answer with
    digest BLOB NOT NULL,        -- SHA-256 of the letter as posted
    exchange TEXT NOT NULL,      -- the copy in it
    team TEXT NOT NULL,          -- the group of staff whose it is; empty for everybody
    mark BLOB NOT NULL,          -- HMAC of the number that the holder gave this copy
    about BLOB NOT NULL,         -- HMAC of the number of the copy that it corrects or calls back; empty for none
    basis BLOB NOT NULL,         -- sealed: what each receipt for it is bound to
    status_iat BIGINT,           -- date of the list that the decision rests on
    undo TEXT NOT NULL,          -- open, done: what rested on an earlier copy has to be undone; empty for nothing
    account BLOB,                -- sealed: whose record a person found it to be
    got_at BIGINT NOT NULL,
    answer_by BIGINT,            -- until when a person decides; NULL where none has to
    late_size BIGINT,            -- state of the log with the line that nobody decided in time
    late_digest BLOB,
    decided_at BIGINT,
    forget_at BIGINT NOT NULL
);
CREATE INDEX letter_exchange ON letter (exchange);
CREATE INDEX letter_mark ON letter (mark);
CREATE INDEX letter_open ON letter (answer_by);
CREATE INDEX letter_forget ON letter (forget_at);

CREATE TABLE inbox_team (
    team TEXT NOT NULL,
    operator TEXT NOT NULL,
    PRIMARY KEY (team, operator)
);

CREATE TABLE passed_letter (
    id TEXT PRIMARY KEY,         -- 128 random bits
    digest BLOB NOT NULL,        -- SHA-256 of the letter: handed in twice it is one
    letter TEXT NOT NULL,        -- as it was handed in, and nobody here can read it; empty once it has arrived
    basis TEXT NOT NULL,         -- what the receipt for whoever handed it in is bound to: nothing of what is inside
    log_size BIGINT NOT NULL,    -- the state of the log with this in it
    log_digest BLOB NOT NULL,
    entity TEXT NOT NULL,        -- whose inbox
    url TEXT NOT NULL,
    taken_at BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    done_at BIGINT,              -- when it arrived, or was given up
    fault TEXT NOT NULL,         -- of the last try; empty once it has arrived
    forget_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX passed_letter_digest ON passed_letter (digest);
CREATE INDEX passed_letter_next ON passed_letter (next_at);
