DROP TABLE identity_service_secrets;
DROP TABLE identity_service_accounts;
DROP TABLE identity_api_keys;
DROP TABLE identity_signing_keys;
