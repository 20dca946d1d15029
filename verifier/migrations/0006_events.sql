-- What the organisation's own program is told by webhook: a queue that holds names and codes, never what was shown.

CREATE TABLE event (
    id TEXT PRIMARY KEY,         -- 128 random bits; the receiver knows an event by it, however often it comes
    name TEXT NOT NULL,          -- presentation.decided, presentation.declined, test
    exchange TEXT NOT NULL,      -- the request or copy; empty for a test
    data TEXT NOT NULL,          -- JSON
    made_at BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    next_at BIGINT NOT NULL,     -- when it is sent next
    done_at BIGINT,              -- when it was taken, or given up
    fault TEXT NOT NULL          -- of the last try; empty once it was taken
);
CREATE INDEX event_next ON event (next_at);
CREATE INDEX event_made ON event (made_at);

-- Requests that belong to the browser which opened them.

ALTER TABLE exchange ADD COLUMN browser TEXT;       -- SHA-256 of its cookie, once it was opened
ALTER TABLE exchange ADD COLUMN returned_at BIGINT; -- when that browser came back with the right number: once
