-- Cameras are put aside before they go for good.
ALTER TABLE surveillance_cameras ADD COLUMN deleted_at BIGINT;
ALTER TABLE surveillance_cameras DROP CONSTRAINT surveillance_cameras_workspace_id_name_key;
CREATE UNIQUE INDEX surveillance_cameras_workspace_id_name_key ON surveillance_cameras (workspace_id, name)
    WHERE deleted_at IS NULL;
CREATE INDEX surveillance_cameras_deleted ON surveillance_cameras (deleted_at) WHERE deleted_at IS NOT NULL;
