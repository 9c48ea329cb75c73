-- What was put aside goes for good: the old table has no place for it.
DELETE FROM surveillance_cameras WHERE deleted_at IS NOT NULL;
DROP INDEX surveillance_cameras_deleted;
DROP INDEX surveillance_cameras_workspace_id_name_key;
ALTER TABLE surveillance_cameras ADD CONSTRAINT surveillance_cameras_workspace_id_name_key UNIQUE (workspace_id, name);
ALTER TABLE surveillance_cameras DROP COLUMN deleted_at;
