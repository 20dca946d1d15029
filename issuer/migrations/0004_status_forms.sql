-- Each version of a status list in both forms, and which entries changed in which version: whoever holds an older one in memory reads
-- those alone.

ALTER TABLE status_list ADD COLUMN cwt BLOB;                          -- the same version as token; NULL before the first
ALTER TABLE status_entry ADD COLUMN since BIGINT NOT NULL DEFAULT 0; -- the version that first tells this value; 0: it always did
CREATE INDEX status_entry_since ON status_entry (list, since) WHERE since <> 0;
