-- Whom a document named that was shown here, where something of ours may follow once that document changes: digests under a key of the
-- custodian alone, as in ``named``, until ``news.keep_until``.
CREATE TABLE news_named (
    news TEXT NOT NULL REFERENCES news (id),
    type TEXT NOT NULL,          -- kind of our documents that they are compared with
    side TEXT NOT NULL,
    kind TEXT NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (news, type, side, kind, digest)
);
