DROP TABLE ml_webhook_messages;
DROP TABLE ml_webhooks;
