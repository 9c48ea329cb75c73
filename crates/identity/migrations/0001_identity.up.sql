-- Tenants.
CREATE TABLE identity_workspaces (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

-- Named sets of permissions, as a JSON list of names; "*" is all of them. Without a workspace: built in, for every one.
CREATE TABLE identity_roles (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT REFERENCES identity_workspaces (id),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    permissions TEXT NOT NULL
);
CREATE UNIQUE INDEX identity_roles_name_key ON identity_roles (COALESCE(workspace_id, ''), name);

INSERT INTO identity_roles (id, workspace_id, name, description, permissions) VALUES
    ('role_00000000000000000000000001', NULL, 'admin', 'Everything in the workspace', '["*"]'),
    ('role_00000000000000000000000002', NULL, 'operator', 'Sets up cameras and answers events',
     '["surveillance.cameras.read","surveillance.cameras.write","surveillance.events.read","surveillance.events.acknowledge","admin.tasks.read"]'),
    ('role_00000000000000000000000003', NULL, 'user', 'Uses the applications',
     '["surveillance.cameras.read","surveillance.events.read"]'),
    ('role_00000000000000000000000004', NULL, 'teacher', 'Teaches with the applications',
     '["surveillance.cameras.read","surveillance.events.read"]'),
    ('role_00000000000000000000000005', NULL, 'student', 'Learns with the applications',
     '["surveillance.cameras.read","surveillance.events.read"]');

-- People. workspace_id is the home: its administrators manage the account itself; others only its role with them.
-- email_key is the address normalised (NFKC, lower case); email is as it was typed.
CREATE TABLE identity_users (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES identity_workspaces (id),
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    password_hash TEXT,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    locale TEXT,
    is_active BOOLEAN NOT NULL,
    is_verified BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    last_login_at BIGINT,
    deleted_at BIGINT
);

-- Who is what where.
CREATE TABLE identity_memberships (
    workspace_id TEXT NOT NULL REFERENCES identity_workspaces (id),
    user_id TEXT NOT NULL REFERENCES identity_users (id),
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
);
CREATE INDEX identity_memberships_user ON identity_memberships (user_id);

-- Signed-in devices, which are also families of refresh tokens. Only SHA-256 hashes of secrets are kept. `recent` holds
-- the refresh tokens of the last seconds with their successors sealed under themselves, for honest races.
CREATE TABLE identity_sessions (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES identity_users (id),
    workspace_id TEXT NOT NULL REFERENCES identity_workspaces (id),
    scopes TEXT NOT NULL,
    cookie_hash BYTEA UNIQUE,
    refresh_hash BYTEA,
    recent TEXT NOT NULL,
    device TEXT NOT NULL,
    address TEXT,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    ended_why TEXT
);
CREATE INDEX identity_sessions_user ON identity_sessions (user_id, address, created_at);

-- Links that work once: reset a password, create the first administrator.
CREATE TABLE identity_links (
    hash BYTEA NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    user_id TEXT REFERENCES identity_users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX identity_links_user ON identity_links (user_id);

-- What happened, append only: one chain per workspace, each row's hash over its content and the hash before.
CREATE TABLE identity_audit (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES identity_workspaces (id),
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor_id TEXT,
    actor_email TEXT,
    action TEXT NOT NULL,
    target TEXT,
    address TEXT,
    request_id TEXT NOT NULL,
    detail TEXT NOT NULL,
    prev_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    UNIQUE (workspace_id, seq)
);

-- The end of each chain; updating it is also what makes writers of one chain wait for each other.
CREATE TABLE identity_audit_heads (
    workspace_id TEXT NOT NULL PRIMARY KEY REFERENCES identity_workspaces (id),
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL
);
