-- Operators who sign in with an account elsewhere. They have no passphrase here: that of `operator` is empty.
CREATE TABLE operator_login (
  login BLOB PRIMARY KEY,         -- HMAC of the provider and its name for the account
  operator TEXT NOT NULL UNIQUE,
  provider TEXT NOT NULL,
  used_at BIGINT NOT NULL,        -- the last time that the account asked to be let in
  refused_at BIGINT               -- set where none of its groups was let in at that time
);
