-- Whose session an answer belongs to is known once the organisation's own server has brought the number that went with it.

ALTER TABLE exchange ADD COLUMN collected_at BIGINT; -- when it first did
