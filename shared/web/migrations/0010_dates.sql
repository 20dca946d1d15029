-- What a superior said before is not said again in an older version, though its list is newer; numbers count among the words of one key.
ALTER TABLE heard_anchor ADD COLUMN signer TEXT NOT NULL DEFAULT '';   -- thumbprint of the key that signed; empty where it was heard before
ALTER TABLE heard_anchor ADD COLUMN dates TEXT NOT NULL DEFAULT '{}';  -- of the newest statement of each, as JSON; of superiors in federations only
