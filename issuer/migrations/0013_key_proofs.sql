-- Whether the body proved that it holds the key: what it proved is its own, whoever else names it.
ALTER TABLE subordinate_key ADD COLUMN proven BIGINT NOT NULL DEFAULT 0;
UPDATE subordinate_key SET proven = 1 WHERE role = 'federation';
