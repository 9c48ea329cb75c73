-- The address that its owner asked for, until both addresses confirm it.
ALTER TABLE identity_users ADD COLUMN pending_email TEXT;
ALTER TABLE identity_users ADD COLUMN pending_email_until BIGINT;
-- The account was deleted for good: its personal data is gone, the row stays for what points to it.
ALTER TABLE identity_users ADD COLUMN purged_at BIGINT;
CREATE INDEX identity_users_deleted ON identity_users (deleted_at) WHERE deleted_at IS NOT NULL;

-- For what deletes the old ones.
CREATE INDEX identity_sessions_expires ON identity_sessions (expires_at);
CREATE INDEX identity_links_expires ON identity_links (expires_at);
