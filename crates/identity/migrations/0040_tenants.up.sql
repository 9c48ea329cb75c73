-- Several roles per member, as a JSON list of names. `role` goes on holding the first of them, and where it is none of
-- them, a process of an earlier release changed it: then it alone counts.
ALTER TABLE identity_memberships ADD COLUMN roles TEXT NOT NULL DEFAULT '[]';
UPDATE identity_memberships SET roles = '["' || role || '"]';

-- The installation's own workspace: its administrators steer what belongs to all. A column, since clocks go backwards.
ALTER TABLE identity_workspaces ADD COLUMN is_first BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE identity_workspaces SET is_first = TRUE
    WHERE id = (SELECT id FROM identity_workspaces ORDER BY created_at, id LIMIT 1);
CREATE UNIQUE INDEX identity_workspaces_first_key ON identity_workspaces (is_first) WHERE is_first;
ALTER TABLE identity_workspaces ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
UPDATE identity_workspaces SET updated_at = created_at;
-- Put aside: its members lose it at once, and its name stays taken until it is gone for good.
ALTER TABLE identity_workspaces ADD COLUMN deleted_at BIGINT;

-- Who was asked to join, by mail. Only the hash of the link's token is kept.
CREATE TABLE identity_invitations (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES identity_workspaces (id),
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    role TEXT NOT NULL,
    locale TEXT NOT NULL,
    token_hash BYTEA NOT NULL UNIQUE,
    -- Without one it was made on the command line.
    invited_by TEXT REFERENCES identity_users (id),
    created_at BIGINT NOT NULL,
    sent_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- Accepted, or revoked.
    closed_at BIGINT,
    accepted_by TEXT REFERENCES identity_users (id)
);
CREATE UNIQUE INDEX identity_invitations_email_key ON identity_invitations (workspace_id, email_key)
    WHERE closed_at IS NULL;

-- What a workspace may use, where that is bounded. Of what comes back by itself, what was used since `period` (when the day
-- or month began); and of how many percent (80 or 100) its administrators were told, and in which period.
CREATE TABLE identity_quotas (
    workspace_id TEXT NOT NULL REFERENCES identity_workspaces (id),
    resource TEXT NOT NULL,
    max BIGINT NOT NULL,
    period BIGINT NOT NULL,
    used BIGINT NOT NULL,
    told_period BIGINT NOT NULL,
    told_percent BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, resource)
);
