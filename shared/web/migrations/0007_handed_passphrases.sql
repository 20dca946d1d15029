-- Who let an operator in, by name, and whether her passphrase is still the one that was chosen for her.
ALTER TABLE operator ADD COLUMN let_in_by TEXT NOT NULL DEFAULT '';
ALTER TABLE operator ADD COLUMN handed INTEGER NOT NULL DEFAULT 0;
