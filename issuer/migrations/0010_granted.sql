-- Codes of a sign-in that nobody has changed yet are looked for by document when a new letter shuts everybody out. They live for a minute.
CREATE INDEX authorization_request_granted ON authorization_request (state) WHERE state = 'granted';
