ALTER TABLE identity_links DROP COLUMN payload;
ALTER TABLE identity_sessions DROP COLUMN authenticated_at;
ALTER TABLE identity_sessions DROP COLUMN methods;
ALTER TABLE identity_sessions DROP COLUMN client_id;
ALTER TABLE identity_sessions DROP COLUMN kind;
ALTER TABLE identity_users DROP COLUMN must_verify;
ALTER TABLE identity_users DROP COLUMN kind;
