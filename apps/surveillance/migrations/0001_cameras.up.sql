CREATE TABLE surveillance_cameras (
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
CREATE INDEX surveillance_cameras_enabled ON surveillance_cameras (enabled, id);

CREATE TABLE surveillance_models (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    family TEXT NOT NULL,
    input_width BIGINT NOT NULL,
    input_height BIGINT NOT NULL,
    classes TEXT NOT NULL,
    declaration TEXT,
    source TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT surveillance_models_workspace_id_sha256_key UNIQUE (workspace_id, sha256)
);
