-- What the receipt of a copy is made of, sealed: numbers and digests, nothing of what was shown. It goes with the row, not with the details, for
-- whoever handed in paper has no receipt but the one that the desk prints.
ALTER TABLE exchange ADD COLUMN receipt BLOB;
