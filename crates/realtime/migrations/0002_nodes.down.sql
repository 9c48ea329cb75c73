DROP INDEX realtime_outbox_workspace;
DROP TABLE realtime_acks;
DROP TABLE realtime_tickets;
DROP TABLE realtime_presence;
DROP TABLE realtime_nodes;
