-- Accounts elsewhere that sign their owner in here. A subject is one of its issuer's (OpenID Connect Core §2).
CREATE TABLE identity_provider_links (
    provider TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    email TEXT,
    linked_at BIGINT NOT NULL,
    last_used_at BIGINT,
    PRIMARY KEY (provider, issuer, subject),
    UNIQUE (user_id, provider)
);
