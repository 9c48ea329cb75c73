-- Answers to creating requests that carried an Idempotency-Key, so that a repeat gets the same answer.
CREATE TABLE platform_idempotency (
    key_hash TEXT NOT NULL PRIMARY KEY,
    body_hash TEXT NOT NULL,
    -- 0 while the first request is being answered
    status BIGINT NOT NULL,
    content_type TEXT NOT NULL,
    location TEXT,
    body BYTEA NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX platform_idempotency_at ON platform_idempotency (at);
