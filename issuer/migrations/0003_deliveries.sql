-- Which copies went out together, so that a wallet that has lost some of them can name those and no others. The link goes with the
-- one to the document, when a copy has run out.

ALTER TABLE status_entry ADD COLUMN delivery BLOB;             -- as in delivery.digest; NULL for decoys
ALTER TABLE status_entry ADD COLUMN lost INTEGER NOT NULL DEFAULT 0; -- 1: on hold for good, whatever becomes of the document
CREATE INDEX status_entry_delivery ON status_entry (delivery);
