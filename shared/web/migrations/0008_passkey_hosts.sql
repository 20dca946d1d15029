-- The host that a passkey was made or last used for: it serves no other. Empty for those of before, until they are used.

ALTER TABLE passkey ADD COLUMN host TEXT NOT NULL DEFAULT '';
