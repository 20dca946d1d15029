-- What several people have to agree to, until enough of them have, a week at most (security rule S26).
CREATE TABLE together (
    key TEXT PRIMARY KEY,        -- HMAC of the use and of the transaction
    version BIGINT NOT NULL,     -- grows with each change
    sealed BLOB NOT NULL,        -- what was shown so far
    done BIGINT NOT NULL,        -- 1: enough have agreed
    told BIGINT NOT NULL,        -- 1: and the earlier answers say so; of what was shown nothing is left here
    until BIGINT NOT NULL        -- when the row goes
);
CREATE INDEX together_until ON together (until);
