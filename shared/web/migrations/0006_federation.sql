-- What this service says of itself in federations. Times are seconds since the epoch, UTC.
CREATE TABLE own_configuration (
  entity TEXT PRIMARY KEY,       -- its identifier there
  issued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  content TEXT NOT NULL,         -- digest of what it says, dates left out: another one is signed at once
  token TEXT NOT NULL
);

CREATE TABLE own_federation_key (
  kid TEXT PRIMARY KEY,          -- RFC 7638
  jwk TEXT NOT NULL,
  begun_at BIGINT NOT NULL,
  ended_at BIGINT,
  reason TEXT NOT NULL           -- superseded or compromised, once it has ended
);
