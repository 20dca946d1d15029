-- Lists for mdocs, of one bit (ISO/IEC 18013-5 section 12.3.6): what is cancelled or on hold stands at 1, and stays there.

ALTER TABLE status_list ADD COLUMN bits BIGINT NOT NULL DEFAULT 2; -- 2, or 1 for a list in the form of a CWT alone
