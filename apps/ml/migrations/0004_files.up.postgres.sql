-- What is in the file store: what a workspace takes up there is known without asking it.
CREATE TABLE ml_files (
    -- Its key there.
    key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    -- Uploads of it that are under way.
    writers BIGINT NOT NULL,
    written_ms BIGINT NOT NULL
);
CREATE INDEX ml_files_written ON ml_files (written_ms) WHERE writers > 0;
-- The sum of them.
ALTER TABLE ml_workspaces ADD COLUMN file_bytes BIGINT NOT NULL DEFAULT 0;
