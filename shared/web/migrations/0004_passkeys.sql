-- Passkeys of people who sign in. What is kept of one is public: it opens nothing.
CREATE TABLE passkey (
  id BLOB PRIMARY KEY,          -- the authenticator's own name for it
  subject TEXT NOT NULL,        -- whom it signs in
  handle BLOB NOT NULL,         -- random; what the authenticator keeps in place of a name
  data BLOB NOT NULL,           -- attested credential data (WebAuthn section 6.5.2)
  uses BIGINT NOT NULL,         -- its signature counter; 0 where it has none
  name TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  used_at BIGINT
);
CREATE INDEX passkey_subject ON passkey (subject);
