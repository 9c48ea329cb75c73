DROP TABLE notifications_cursor;
DROP TABLE notifications_deliveries;
DROP TABLE notifications_webhooks;
DROP TABLE notifications_mails;
DROP TABLE notifications_preferences;
DROP TABLE notifications_items;
