-- Operators of a service. Passphrases are kept as Argon2id.
CREATE TABLE operator (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  folded TEXT NOT NULL UNIQUE,
  passphrase TEXT NOT NULL,
  role TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  ended_at BIGINT
);
