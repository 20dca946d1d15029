-- Who takes over from whom among the bodies below this office, where it is a superior. Times are seconds since the epoch, UTC.
CREATE TABLE succession (
    outgoing TEXT NOT NULL,
    successor TEXT NOT NULL,
    version BIGINT NOT NULL,     -- grows with every change: whoever decides names the one that was looked at
    held TEXT,                   -- statement and acceptance as they are published (JSON); NULL if nothing is
    wanted TEXT,                 -- those that two people have to look at; NULL if nothing waits
    wanted_by TEXT NOT NULL,     -- who looked at them first; empty while nobody has
    made_at BIGINT NOT NULL,
    PRIMARY KEY (outgoing, successor)
);
