-- Which copy it was, and for which question, lies sealed from now on: its place in the list is a number of one person's copy. What was watched
-- before stays as it is until its copy has ended, a month at most.
ALTER TABLE watched ADD COLUMN sealed BLOB;
