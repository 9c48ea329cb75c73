-- Programs that people let in (RFC 6749 §2). Those that registered by themselves (RFC 7591) are marked.
CREATE TABLE identity_oauth_clients (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    -- SHA-256 of the secret; without one the client is public.
    secret_hash BYTEA,
    redirect_uris TEXT NOT NULL,
    logout_uris TEXT NOT NULL,
    scopes TEXT NOT NULL,
    grant_types TEXT NOT NULL,
    id_token_alg TEXT NOT NULL,
    uri TEXT,
    logo_uri TEXT,
    by_itself BOOLEAN NOT NULL,
    is_active BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    last_used_at BIGINT
);
-- The command line of Socle itself: signs in by device code.
INSERT INTO identity_oauth_clients (id, name, redirect_uris, logout_uris, scopes, grant_types, id_token_alg, by_itself,
    is_active, created_at, updated_at)
VALUES ('socle-cli', 'Socle on the command line', '[]', '[]', '["openid","profile","email","offline_access","read","write"]',
    '["urn:ietf:params:oauth:grant-type:device_code","refresh_token"]', 'ES256', FALSE, TRUE, 0, 0);

-- Requests of clients that wait for their user, as JSON.
CREATE TABLE identity_oauth_requests (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES identity_oauth_clients (id),
    user_id TEXT NOT NULL REFERENCES identity_users (id),
    asked TEXT NOT NULL,
    -- The user must have shown who they are since then.
    confirmed_since BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    decided_at BIGINT
);
CREATE INDEX identity_oauth_requests_client ON identity_oauth_requests (client_id);
CREATE INDEX identity_oauth_requests_user ON identity_oauth_requests (user_id);

-- Authorization codes: SHA-256 of each. session_id is what it gave, to be ended when it is shown again.
CREATE TABLE identity_oauth_codes (
    hash BYTEA NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES identity_oauth_clients (id),
    user_id TEXT NOT NULL REFERENCES identity_users (id),
    workspace_id TEXT NOT NULL REFERENCES identity_workspaces (id),
    asked TEXT NOT NULL,
    methods TEXT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    session_id TEXT
);
CREATE INDEX identity_oauth_codes_client ON identity_oauth_codes (client_id);
CREATE INDEX identity_oauth_codes_user ON identity_oauth_codes (user_id);
CREATE INDEX identity_oauth_codes_workspace ON identity_oauth_codes (workspace_id);

-- Devices that wait for their user (RFC 8628). hash is of the device code; the user code is short-lived and short.
CREATE TABLE identity_oauth_devices (
    hash BYTEA NOT NULL PRIMARY KEY,
    user_code TEXT NOT NULL UNIQUE,
    client_id TEXT NOT NULL REFERENCES identity_oauth_clients (id),
    asked TEXT NOT NULL,
    interval_s BIGINT NOT NULL,
    polled_at BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- waiting, approved, denied, used.
    state TEXT NOT NULL,
    user_id TEXT REFERENCES identity_users (id),
    workspace_id TEXT REFERENCES identity_workspaces (id),
    methods TEXT NOT NULL,
    authenticated_at BIGINT
);
CREATE INDEX identity_oauth_devices_client ON identity_oauth_devices (client_id);
CREATE INDEX identity_oauth_devices_user ON identity_oauth_devices (user_id);
CREATE INDEX identity_oauth_devices_workspace ON identity_oauth_devices (workspace_id);

-- Whom a user let in, and to what.
CREATE TABLE identity_oauth_consents (
    user_id TEXT NOT NULL REFERENCES identity_users (id),
    client_id TEXT NOT NULL REFERENCES identity_oauth_clients (id),
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, client_id)
);
CREATE INDEX identity_oauth_consents_client ON identity_oauth_consents (client_id);

-- The resource that a client asked for (RFC 8707): `aud` of its tokens.
ALTER TABLE identity_sessions ADD COLUMN audience TEXT;
CREATE INDEX identity_sessions_client ON identity_sessions (client_id, user_id);
