-- One table of every key that this service has had in each role where one follows another; the federation's move into it.
-- Times are seconds since the epoch, UTC. `state` is created, active, verify-only, ended or compromised.
ALTER TABLE own_key ADD COLUMN name TEXT NOT NULL DEFAULT '';  -- what the custodian calls it
ALTER TABLE own_key ADD COLUMN jwk TEXT NOT NULL DEFAULT '';   -- its public half; empty only until it is next looked at
ALTER TABLE own_key ADD COLUMN active_at BIGINT;               -- when it began to sign
ALTER TABLE own_key ADD COLUMN told_at BIGINT;                 -- when it was first published
UPDATE own_key SET active_at = begun_at, told_at = begun_at, name = CASE role WHEN 'credential-issuer' THEN 'issuer' ELSE role END;
UPDATE own_key SET state = 'verify-only' WHERE state = 'retired';

INSERT INTO own_key (thumbprint, kid, role, entity, state, begun_at, ended_at, reason, name, jwk, active_at, told_at)
SELECT kid, '', 'federation', COALESCE((SELECT min(entity) FROM own_configuration), ''),
  CASE WHEN ended_at IS NULL THEN 'active' WHEN reason = 'compromised' THEN 'compromised' ELSE 'verify-only' END,
  begun_at, ended_at, reason, 'federation', jwk, begun_at, begun_at
FROM own_federation_key;  -- their thumbprint is the one of RFC 7638 until the service names them as all others (own_trust)
DROP TABLE own_federation_key;
