DROP TABLE identity_challenges;
DROP TABLE identity_passkeys;
DROP TABLE identity_recovery_codes;
DROP TABLE identity_totp;
