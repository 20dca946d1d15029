-- When somebody here saw to a letter that could not be delivered: from then on nobody has to.
ALTER TABLE passed_letter ADD COLUMN dealt_with_at BIGINT;
