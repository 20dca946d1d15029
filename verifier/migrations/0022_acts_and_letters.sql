-- For what and of whom a letter's document is, by which a later one may call it back: that it names its copy's number is no proof.
ALTER TABLE letter ADD COLUMN whose BLOB;    -- HMAC of the use, the kinds of document and everybody whom they name; NULL where that was not known
-- Acts to which enough have answered while of some it could not be told whether they still hold: they are looked at again by the clock.
ALTER TABLE together ADD COLUMN unsure BIGINT NOT NULL DEFAULT 0;
-- Acts that this organisation has asked for, also before anybody has answered: a copy that names one belongs there.
CREATE TABLE together_asked (
    key TEXT PRIMARY KEY,        -- as in together
    until BIGINT NOT NULL        -- when the row goes
);
CREATE INDEX together_asked_until ON together_asked (until);
