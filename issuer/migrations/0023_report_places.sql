-- In which order the reports of one day came: of two that speak of one use the later one counts.
ALTER TABLE report ADD COLUMN place BIGINT NOT NULL DEFAULT 0;  -- among those of its box, from 1; 0 where it came before this was kept
