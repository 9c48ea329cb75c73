DROP INDEX identity_sessions_client;
ALTER TABLE identity_sessions DROP COLUMN audience;
DROP TABLE identity_oauth_consents;
DROP TABLE identity_oauth_devices;
DROP TABLE identity_oauth_codes;
DROP TABLE identity_oauth_requests;
DROP TABLE identity_oauth_clients;
