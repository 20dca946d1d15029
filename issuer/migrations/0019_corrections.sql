-- What holders say is wrong in their documents, and what became of it. Times are seconds since the epoch, UTC.
CREATE TABLE correction (
    reference TEXT PRIMARY KEY,   -- can be read aloud
    ticket BLOB NOT NULL UNIQUE,  -- SHA-256 of the random ticket by which the answer is asked for
    letter BLOB NOT NULL,         -- SHA-256 of what was posted
    document TEXT NOT NULL REFERENCES document (id),
    detail TEXT NOT NULL,         -- the name of the detail, never its value
    said BLOB,                    -- sealed: the holder's words, and the value that was shown; NULL once answered
    state TEXT NOT NULL,          -- open, corrected, refused
    received_at BIGINT NOT NULL,
    answer_by BIGINT NOT NULL,
    answered_at BIGINT,
    alarmed INTEGER NOT NULL,     -- 1 once it was said that the time is over
    reason_code TEXT NOT NULL,    -- of a refusal
    answer BLOB                   -- sealed: the office's words
);
CREATE INDEX correction_document ON correction (document, state);
CREATE INDEX correction_state ON correction (state, answer_by);
