-- Which key signed a copy, and when, so that copies can be called in by their key. Both go with the link to the document.
-- Copies that were made before this was noted are by the office's first key: there was no other. They were signed at the time of their
-- document's last delivery, or before.

ALTER TABLE status_entry ADD COLUMN signed_by TEXT NOT NULL DEFAULT ''; -- thumbprint as in own_key; empty: the first key
ALTER TABLE status_entry ADD COLUMN signed_at BIGINT NOT NULL DEFAULT 0;
UPDATE status_entry SET signed_at = coalesce(
    (SELECT max(at) FROM event WHERE event.document = status_entry.document AND kind IN ('collected', 'renewed')), 0
) WHERE document IS NOT NULL;

ALTER TABLE status_list ADD COLUMN signed_by TEXT NOT NULL DEFAULT ''; -- thumbprint of the key that signed the last version

CREATE TABLE recall (
    id TEXT PRIMARY KEY,
    signed_by TEXT NOT NULL,         -- thumbprint of the key whose copies are called in
    since BIGINT NOT NULL,           -- those that it signed from then on
    reason TEXT NOT NULL,
    actor_role TEXT NOT NULL,
    actor TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    documents BIGINT NOT NULL,       -- as somebody confirmed them
    place TEXT NOT NULL,             -- the last document of the pass that is under way; empty where a pass begins
    done BIGINT NOT NULL,            -- documents so far
    copies BIGINT NOT NULL,          -- copies of them that were cancelled
    ended_at BIGINT
);
