-- Bitstring Status Lists of others that the settings name: fetched on the timer, verified when kept and again when used.

CREATE TABLE bitstring_list (
    uri TEXT PRIMARY KEY,
    iat BIGINT NOT NULL,
    token TEXT NOT NULL,
    fetched_at BIGINT NOT NULL
);
