DROP TABLE identity_audit_heads;
DROP TABLE identity_audit;
DROP TABLE identity_links;
DROP TABLE identity_sessions;
DROP TABLE identity_memberships;
DROP TABLE identity_users;
DROP TABLE identity_roles;
DROP TABLE identity_workspaces;
