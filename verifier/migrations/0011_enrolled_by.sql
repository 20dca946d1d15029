-- Who set a desk up: it ends when that operator is removed. Empty for desks of before.

ALTER TABLE scan_desk ADD COLUMN enrolled_by TEXT NOT NULL DEFAULT '';
