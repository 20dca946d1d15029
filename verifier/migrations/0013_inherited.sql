-- In whose name something was asked, for the day on which another organisation takes over; empty in rows of before: our own.
ALTER TABLE exchange ADD COLUMN entity TEXT NOT NULL DEFAULT '';

-- What was deleted then, because its purpose was not handed over: signed records, which anybody may read.
CREATE TABLE deletion (
    n BIGINT PRIMARY KEY,        -- the line of the log that says so
    record TEXT NOT NULL
);
