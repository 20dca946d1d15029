-- After a loss what the lost wallet had opens the box of reports no more: both halves turn, each by itself.
ALTER TABLE report_box ADD COLUMN opener BLOB;                            -- SHA-256 of the secret that the donor's document has now; the tag, before it first turned
ALTER TABLE report_box ADD COLUMN secret_turn BIGINT NOT NULL DEFAULT 0;  -- how often the donor's secret has turned
ALTER TABLE report_box ADD COLUMN pass_turn BIGINT NOT NULL DEFAULT 0;    -- how often the attorney's pass has
ALTER TABLE report_box ADD COLUMN sheet INTEGER NOT NULL DEFAULT 0;       -- 1: the recipient is the words of a sheet, and no wallet's key
UPDATE report_box SET opener = tag;
CREATE UNIQUE INDEX report_box_opener ON report_box (opener);
ALTER TABLE report ADD COLUMN turn BIGINT NOT NULL DEFAULT 0;             -- pass_turn when it came: another wallet of the attorney counts anew
