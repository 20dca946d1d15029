-- Whom documents name, so that what happens to a person can end them: digests under a key of the custodian alone (security rule S24).
-- Times are seconds since the epoch, UTC.
ALTER TABLE document ADD COLUMN marked INTEGER NOT NULL DEFAULT 0;  -- 1 once that was done, or nothing is there to be done

CREATE TABLE named (
    document TEXT NOT NULL REFERENCES document (id),
    side TEXT NOT NULL,          -- where the document names the person, such as represented
    kind TEXT NOT NULL,          -- name, born, home, house, more:…
    digest BLOB NOT NULL,
    PRIMARY KEY (document, side, kind, digest)
);
CREATE INDEX named_digest ON named (digest);

-- What this office was told of documents of others: that one was shown to it, or what it has become. Whom it is about is nowhere in clear.
CREATE TABLE news (
    id TEXT PRIMARY KEY,         -- random: what the pages call it
    digest BLOB NOT NULL UNIQUE, -- HMAC of what its sender calls it
    request BLOB,                -- HMAC of the request for which the document was shown, as of a document's reference
    at BIGINT NOT NULL,
    vct TEXT NOT NULL,
    became TEXT NOT NULL,        -- shown, valid, on-hold, cancelled
    state TEXT NOT NULL,         -- nothing, blank, done, open, second, making, settled
    version BIGINT NOT NULL,     -- grows with every decision: whoever decides names the one that was looked at
    first_by TEXT NOT NULL,      -- who decided first, while a second person has to look; empty otherwise
    claims BLOB,                 -- sealed, for whoever compares; NULL once nobody has to
    keep_until BIGINT NOT NULL   -- details go at this time at the latest, here and below
);
CREATE INDEX news_at ON news (at, id);
CREATE INDEX news_request ON news (request);

CREATE TABLE news_document (
    news TEXT NOT NULL REFERENCES news (id),
    document TEXT NOT NULL REFERENCES document (id),
    action TEXT NOT NULL,        -- cancel, hold, reinstate, again
    reason TEXT NOT NULL,
    likeness TEXT NOT NULL,      -- same, near, far; empty where no person was compared
    outcome TEXT NOT NULL,       -- changed, open, chosen, left
    claims BLOB,                 -- sealed as they were before it ended, in case that was a mistake; NULL once that time is over
    made TEXT NOT NULL,          -- the new document in its place; empty while there is none
    PRIMARY KEY (news, document)
);
