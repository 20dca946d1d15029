-- Letters to organisations, and the answers that came, for wallets that are closed meanwhile. `id` is random and lies in the wallet alone,
-- sealed; `body` is sealed under the service's key and padded: address, sealed letter, ticket, answers. Which wallet it is of stands nowhere
-- here. `next_at` is the second at which the letter is tried, or its answer asked for, again; `ends_on` is the day on which the row goes.
CREATE TABLE outbox (
  id TEXT PRIMARY KEY,
  stamp BLOB NOT NULL,
  next_at BIGINT NOT NULL,
  ends_on BIGINT NOT NULL,
  body BLOB NOT NULL
);
CREATE INDEX outbox_by_next ON outbox (next_at);
