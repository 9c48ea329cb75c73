-- What people were told in the application. Texts are JSON with one text per language.
CREATE TABLE notifications_items (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    level TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    link TEXT,
    created_at BIGINT NOT NULL,
    read_at BIGINT
);
CREATE INDEX notifications_items_user ON notifications_items (user_id, workspace_id, id);
CREATE INDEX notifications_items_unread ON notifications_items (user_id, workspace_id) WHERE read_at IS NULL;
CREATE INDEX notifications_items_created ON notifications_items (created_at);

-- How a person wants to be told. `topics` is JSON: only what differs from the topic's own defaults. Minutes count from
-- midnight in the person's time zone. The token lets a mail's reader switch mails off, and nothing else.
CREATE TABLE notifications_preferences (
    user_id TEXT NOT NULL PRIMARY KEY,
    topics TEXT NOT NULL,
    digest TEXT NOT NULL,
    digest_minute BIGINT NOT NULL,
    quiet_from_minute BIGINT,
    quiet_to_minute BIGINT,
    time_zone TEXT NOT NULL,
    unsubscribe_token TEXT NOT NULL UNIQUE,
    updated_at BIGINT NOT NULL
);

-- What is still to be mailed. Rows of one batch go out as one mail, not before `due_at`.
CREATE TABLE notifications_mails (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    batch TEXT NOT NULL,
    topic TEXT NOT NULL,
    level TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    link TEXT,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL
);
CREATE INDEX notifications_mails_batch ON notifications_mails (user_id, batch, id);
CREATE INDEX notifications_mails_due ON notifications_mails (due_at);

-- Other systems that hear what happens in a workspace. Secrets are what signs, so they are kept as they are.
-- Events at or before `after_position` of the outbox happened before the webhook listened.
CREATE TABLE notifications_webhooks (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    topics TEXT NOT NULL,
    secret TEXT NOT NULL,
    previous_secret TEXT,
    previous_until BIGINT,
    is_enabled BOOLEAN NOT NULL,
    disabled_why TEXT,
    after_position BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_delivery_at BIGINT,
    failing_since BIGINT
);
CREATE INDEX notifications_webhooks_workspace ON notifications_webhooks (workspace_id, id);

CREATE TABLE notifications_deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    webhook_id TEXT NOT NULL REFERENCES notifications_webhooks (id) ON DELETE CASCADE,
    message_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    payload TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts BIGINT NOT NULL,
    response_status BIGINT,
    response_body TEXT,
    error TEXT,
    next_at BIGINT,
    created_at BIGINT NOT NULL,
    delivered_at BIGINT
);
CREATE INDEX notifications_deliveries_webhook ON notifications_deliveries (webhook_id, id);
CREATE INDEX notifications_deliveries_created ON notifications_deliveries (created_at);

-- How far the outbox has been read.
CREATE TABLE notifications_cursor (
    name TEXT NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL
);
INSERT INTO notifications_cursor (name, position) VALUES ('webhooks', 0);
