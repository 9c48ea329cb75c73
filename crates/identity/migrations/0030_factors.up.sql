-- The authenticator app of a user. Secrets are sealed (service/seal.rs). `pending` is one being set up, which counts only
-- when a code of it was shown; the one before counts until then. `last_step` is the last 30 seconds whose code was taken.
CREATE TABLE identity_totp (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES identity_users (id) ON DELETE CASCADE,
    secret BYTEA,
    enabled_at BIGINT,
    last_step BIGINT NOT NULL,
    pending BYTEA,
    pending_at BIGINT
);

-- Codes for who lost the device; each works once. Only SHA-256 hashes of 80 random bits are kept.
CREATE TABLE identity_recovery_codes (
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (user_id, hash)
);

-- WebAuthn credentials. `passkey` is the public key with its counter and flags, as JSON.
CREATE TABLE identity_passkeys (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    credential_id BYTEA NOT NULL UNIQUE,
    name TEXT NOT NULL,
    passkey TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX identity_passkeys_user ON identity_passkeys (user_id);

-- What was begun and waits for its second half: a sign-in for its second factor, a passkey for its signature, a visit to
-- another OpenID provider for its return. Each is good for one purpose, once, for minutes.
CREATE TABLE identity_challenges (
    hash BYTEA NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    user_id TEXT REFERENCES identity_users (id) ON DELETE CASCADE,
    session_id TEXT,
    payload TEXT NOT NULL,
    tries BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX identity_challenges_session ON identity_challenges (session_id);
CREATE INDEX identity_challenges_expiry ON identity_challenges (expires_at);
