-- What was put aside goes for good: the old table has no place for it.
CREATE TABLE surveillance_cameras_new (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    name TEXT NOT NULL,
    source_kind TEXT NOT NULL,
    -- With its credentials: whoever reads this table sees them.
    source_url TEXT NOT NULL,
    source_loop BOOLEAN NOT NULL,
    source_real_time BOOLEAN NOT NULL,
    source_transport TEXT NOT NULL,
    fps DOUBLE PRECISION NOT NULL,
    width BIGINT,
    height BIGINT,
    enabled BOOLEAN NOT NULL,
    record TEXT NOT NULL,
    detection TEXT NOT NULL,
    zones TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT surveillance_cameras_workspace_id_name_key UNIQUE (workspace_id, name)
);

INSERT INTO surveillance_cameras_new (
    id, workspace_id, name, source_kind, source_url, source_loop, source_real_time, source_transport, fps, width, height,
    enabled, record, detection, zones, created_at, updated_at)
SELECT id, workspace_id, name, source_kind, source_url, source_loop, source_real_time, source_transport, fps, width, height,
    enabled, record, detection, zones, created_at, updated_at
FROM surveillance_cameras WHERE deleted_at IS NULL;

DROP TABLE surveillance_cameras;
ALTER TABLE surveillance_cameras_new RENAME TO surveillance_cameras;
CREATE INDEX surveillance_cameras_enabled ON surveillance_cameras (enabled, id);
