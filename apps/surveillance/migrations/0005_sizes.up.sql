-- Bytes of an event's clip and pictures, for what a workspace may keep. Those of earlier releases are not known: 0.
ALTER TABLE surveillance_events ADD COLUMN clip_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE surveillance_events ADD COLUMN snapshot_bytes BIGINT NOT NULL DEFAULT 0;
CREATE INDEX surveillance_events_sizes ON surveillance_events (workspace_id, clip_bytes, snapshot_bytes)
    WHERE clip_bytes > 0 OR snapshot_bytes > 0;
