-- Keys that sign tokens. id is the key's thumbprint (RFC 7638), which tokens name as kid; private_key is PKCS #8 (RSA:
-- PKCS #1), sealed. `number` counts the keys of one algorithm, so that two nodes that make one at once end up with one.
CREATE TABLE identity_signing_keys (
    id TEXT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,
    number BIGINT NOT NULL,
    public_key TEXT NOT NULL,
    private_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    -- Signs from then on, until the next one does.
    active_from BIGINT NOT NULL,
    -- Counts no more from then on, whatever it signed.
    revoked_at BIGINT
);
CREATE UNIQUE INDEX identity_signing_keys_number_key ON identity_signing_keys (algorithm, number);

-- Personal API keys. Of the key itself only its SHA-256 and its first characters are kept.
CREATE TABLE identity_api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES identity_users (id),
    workspace_id TEXT NOT NULL REFERENCES identity_workspaces (id),
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    hash BYTEA NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX identity_api_keys_user ON identity_api_keys (user_id, created_at);
CREATE INDEX identity_api_keys_workspace ON identity_api_keys (workspace_id);

-- What a service account has beyond its row in identity_users (kind 'service').
CREATE TABLE identity_service_accounts (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES identity_users (id),
    workspace_id TEXT NOT NULL REFERENCES identity_workspaces (id),
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX identity_service_accounts_workspace ON identity_service_accounts (workspace_id, created_at);

-- Its secrets: several, so that one can be replaced while another works. session_id is the session of the tokens that
-- the secret last got, which a revoked secret ends.
CREATE TABLE identity_service_secrets (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES identity_users (id),
    prefix TEXT NOT NULL,
    hash BYTEA NOT NULL UNIQUE,
    session_id TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX identity_service_secrets_user ON identity_service_secrets (user_id, created_at);
