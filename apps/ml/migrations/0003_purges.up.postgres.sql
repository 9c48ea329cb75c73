-- Folders of the file store whose rows are gone for good: their files go next.
CREATE TABLE ml_purges (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    -- The address, as clients know it.
    artifact_uri TEXT NOT NULL
);
CREATE INDEX ml_logged_models_deleted ON ml_logged_models (deleted_ms) WHERE deleted_ms IS NOT NULL;
CREATE INDEX ml_experiments_deleted ON ml_experiments (deleted_ms) WHERE deleted_ms IS NOT NULL;
