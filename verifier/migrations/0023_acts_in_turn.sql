-- When an act was looked at last since it changed: what hangs goes to the end of the line, and keeps no other from being told.
ALTER TABLE together ADD COLUMN looked_at BIGINT NOT NULL DEFAULT 0;
-- What others had agreed to before 0022 was asked for here, too.
INSERT INTO together_asked (key, until) SELECT key, until FROM together WHERE true ON CONFLICT (key) DO NOTHING;
