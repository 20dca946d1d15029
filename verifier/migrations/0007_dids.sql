-- What pinned did:web identifiers say of their keys: fetched on the timer like everything else, never because somebody showed something.

CREATE TABLE did_document (
    did TEXT PRIMARY KEY,
    data BLOB NOT NULL,
    fetched_at BIGINT NOT NULL
);
