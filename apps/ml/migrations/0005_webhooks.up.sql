-- Those that MLflow's client makes; the house's own are elsewhere.
CREATE TABLE ml_webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    url TEXT NOT NULL,
    -- JSON: a list of `entity.action`.
    events TEXT NOT NULL,
    secret TEXT,
    is_active BOOLEAN NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    CONSTRAINT ml_webhooks_workspace_id_webhook_id_key UNIQUE (workspace_id, webhook_id)
);
-- What they are to be told, until they have heard it.
CREATE TABLE ml_webhook_messages (
    message_id TEXT NOT NULL PRIMARY KEY,
    webhook BIGINT NOT NULL REFERENCES ml_webhooks (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX ml_webhook_messages_webhook ON ml_webhook_messages (webhook);
CREATE INDEX ml_webhook_messages_created ON ml_webhook_messages (created_ms);
