-- Cameras are put aside before they go for good. SQLite cannot drop a constraint, so the table is made again.
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
    -- When it was put aside; NULL while it is there.
    deleted_at BIGINT
);

INSERT INTO surveillance_cameras_new (
    id, workspace_id, name, source_kind, source_url, source_loop, source_real_time, source_transport, fps, width, height,
    enabled, record, detection, zones, created_at, updated_at)
SELECT id, workspace_id, name, source_kind, source_url, source_loop, source_real_time, source_transport, fps, width, height,
    enabled, record, detection, zones, created_at, updated_at
FROM surveillance_cameras;

DROP TABLE surveillance_cameras;
ALTER TABLE surveillance_cameras_new RENAME TO surveillance_cameras;
CREATE INDEX surveillance_cameras_enabled ON surveillance_cameras (enabled, id);
CREATE UNIQUE INDEX surveillance_cameras_workspace_id_name_key ON surveillance_cameras (workspace_id, name)
    WHERE deleted_at IS NULL;
CREATE INDEX surveillance_cameras_deleted ON surveillance_cameras (deleted_at) WHERE deleted_at IS NOT NULL;
