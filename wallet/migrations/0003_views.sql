-- Locked copies that this service shows to whoever has their seven words. `id` is random and lies in the wallet alone, sealed; `body` is
-- sealed under the service's key and holds what only the words open, the count of tries and uses, and who said to have looked. Which
-- wallet it is of stands nowhere here. `ends_on` is the day on which the row goes.
CREATE TABLE views (
  id TEXT PRIMARY KEY,
  stamp BLOB NOT NULL,
  ends_on BIGINT NOT NULL,
  body BLOB NOT NULL
);
