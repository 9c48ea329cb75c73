DROP INDEX identity_links_expires;
DROP INDEX identity_sessions_expires;
DROP INDEX identity_users_deleted;
ALTER TABLE identity_users DROP COLUMN purged_at;
ALTER TABLE identity_users DROP COLUMN pending_email_until;
ALTER TABLE identity_users DROP COLUMN pending_email;
