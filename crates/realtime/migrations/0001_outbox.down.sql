DROP TABLE realtime_outbox;
