-- A person signs in; a service account is a program with secrets of its own.
ALTER TABLE identity_users ADD COLUMN kind TEXT NOT NULL DEFAULT 'person';
-- Who registered by themselves may not sign in before the address is verified.
ALTER TABLE identity_users ADD COLUMN must_verify BOOLEAN NOT NULL DEFAULT FALSE;

-- What holds the session: a browser, a program with a password, a client of the OAuth provider, a service account.
ALTER TABLE identity_sessions ADD COLUMN kind TEXT NOT NULL DEFAULT 'browser';
UPDATE identity_sessions SET kind = 'program' WHERE refresh_hash IS NOT NULL;
-- The OAuth client, where one holds it.
ALTER TABLE identity_sessions ADD COLUMN client_id TEXT;
-- What the user showed, as a JSON list of authentication methods (RFC 8176), and when they last did.
ALTER TABLE identity_sessions ADD COLUMN methods TEXT NOT NULL DEFAULT '["pwd"]';
ALTER TABLE identity_sessions ADD COLUMN authenticated_at BIGINT NOT NULL DEFAULT 0;
UPDATE identity_sessions SET authenticated_at = created_at;

-- What a link does when it is used, as JSON: up to its purpose.
ALTER TABLE identity_links ADD COLUMN payload TEXT;
