-- The country of an organisation's next registration, until a second person has looked at it; NULL where it stays the same.
ALTER TABLE asker ADD COLUMN wanted_country TEXT;
