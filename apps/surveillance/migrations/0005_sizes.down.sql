DROP INDEX surveillance_events_sizes;
ALTER TABLE surveillance_events DROP COLUMN snapshot_bytes;
ALTER TABLE surveillance_events DROP COLUMN clip_bytes;
