DROP TABLE identity_quotas;
DROP TABLE identity_invitations;
ALTER TABLE identity_workspaces DROP COLUMN deleted_at;
ALTER TABLE identity_workspaces DROP COLUMN updated_at;
DROP INDEX identity_workspaces_first_key;
ALTER TABLE identity_workspaces DROP COLUMN is_first;
ALTER TABLE identity_memberships DROP COLUMN roles;
