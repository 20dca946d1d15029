-- What pinned anchors publish, as it was last heard, and what this service's own anchor publishes. Times are seconds since the epoch, UTC.
CREATE TABLE heard_anchor (
  fingerprint TEXT PRIMARY KEY,  -- SHA-256 of the pinned certificate
  seq BIGINT NOT NULL,           -- of the newest snapshot seen; stays when the snapshot itself goes, so that no older one returns
  iat BIGINT NOT NULL,
  digest TEXT NOT NULL,
  token TEXT NOT NULL
);

CREATE TABLE heard_statement (
  fingerprint TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  media_type TEXT NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (fingerprint, sha256)
);

CREATE TABLE heard_site (
  site TEXT PRIMARY KEY,         -- where it was asked for
  tried_at BIGINT NOT NULL,
  fetched_at BIGINT,             -- the last visit that brought something
  fault TEXT NOT NULL            -- what was wrong with the last visit; empty if nothing was
);

CREATE TABLE own_key (
  thumbprint TEXT PRIMARY KEY,   -- RFC 9679
  kid TEXT NOT NULL,
  role TEXT NOT NULL,
  entity TEXT NOT NULL,
  state TEXT NOT NULL,
  begun_at BIGINT NOT NULL,
  ended_at BIGINT,
  reason TEXT NOT NULL
);

CREATE TABLE own_certificate (
  sha256 TEXT PRIMARY KEY,
  thumbprint TEXT NOT NULL,      -- of the key that it is for
  serial TEXT NOT NULL,
  der BLOB NOT NULL,
  not_after BIGINT NOT NULL,
  withdrawn_at BIGINT,
  reason TEXT NOT NULL
);

CREATE TABLE own_publication (
  seq BIGINT PRIMARY KEY,        -- number of the snapshot
  issued_at BIGINT NOT NULL,
  next_update BIGINT NOT NULL,
  content TEXT NOT NULL,         -- digest of what it says, dates left out: another one has to be signed anew
  document BLOB                  -- as it is served; only the newest is kept
);

CREATE TABLE trust_event (
  n BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,           -- who did it, by name or `timer`
  kind TEXT NOT NULL,            -- published, certified, withdrawn, retired, compromised
  subject TEXT NOT NULL,         -- thumbprint, serial number, or number of the snapshot
  reason TEXT NOT NULL
);
