-- Sessions of people, API keys of programs, and counters that hold across processes. Times are seconds since the epoch, UTC.
CREATE TABLE web_session (
  id_hash TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  data TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  idle_until BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX web_session_subject ON web_session (subject);
CREATE INDEX web_session_idle ON web_session (idle_until);

CREATE TABLE api_key (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  secret_hash TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  last_used_at BIGINT,
  revoked_at BIGINT
);

CREATE TABLE rate_limit (
  bucket TEXT PRIMARY KEY,
  window_ends BIGINT NOT NULL,
  used BIGINT NOT NULL
);
CREATE INDEX rate_limit_ends ON rate_limit (window_ends);
