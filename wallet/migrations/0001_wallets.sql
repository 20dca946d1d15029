-- A wallet's name is found by a keyed digest; both wraps of its key lie under the custodian's key as well (S29).
CREATE TABLE wallets (
  id TEXT PRIMARY KEY,
  name_mac BLOB NOT NULL UNIQUE,
  kdf TEXT NOT NULL,
  by_passphrase BLOB NOT NULL,
  by_recovery BLOB NOT NULL,
  opened_on BIGINT NOT NULL
);

-- Everything that a wallet holds. `shelf` and `id` are keyed digests or random, `stamp` is random and changes with each change
-- (compare-and-swap), `body` is sealed and padded: no kind, state, count of uses, name or time stands in clear.
CREATE TABLE items (
  wallet TEXT NOT NULL REFERENCES wallets (id),
  shelf TEXT NOT NULL,
  id TEXT NOT NULL,
  stamp BLOB NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (wallet, shelf, id)
);
