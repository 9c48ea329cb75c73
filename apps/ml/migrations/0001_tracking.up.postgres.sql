-- Texts that searches order by or compare stand in the order of their bytes, as SQLite has them.
-- The numbers of each workspace's experiments. Number 0 is made with the first call.
CREATE TABLE ml_workspaces (
    workspace_id TEXT NOT NULL PRIMARY KEY,
    next_experiment BIGINT NOT NULL
);

-- Times of this module's tables are milliseconds since 1970 (UTC), as clients give them.
CREATE TABLE ml_experiments (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    -- What callers know it by, within the workspace.
    number BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    artifact_location TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    deleted_ms BIGINT,
    CONSTRAINT ml_experiments_workspace_id_number_key UNIQUE (workspace_id, number),
    CONSTRAINT ml_experiments_workspace_id_name_key UNIQUE (workspace_id, name)
);
CREATE TABLE ml_experiment_tags (
    experiment BIGINT NOT NULL REFERENCES ml_experiments (id) ON DELETE CASCADE,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (experiment, key)
);

CREATE TABLE ml_runs (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    run_id TEXT COLLATE "C" NOT NULL,
    experiment BIGINT NOT NULL REFERENCES ml_experiments (id),
    name TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C",
    status TEXT COLLATE "C" NOT NULL,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT,
    artifact_uri TEXT COLLATE "C" NOT NULL,
    deleted_ms BIGINT,
    CONSTRAINT ml_runs_workspace_id_run_id_key UNIQUE (workspace_id, run_id)
);
CREATE INDEX ml_runs_newest ON ml_runs (experiment, start_ms DESC, run_id);
CREATE INDEX ml_runs_deleted ON ml_runs (deleted_ms) WHERE deleted_ms IS NOT NULL;

CREATE TABLE ml_params (
    run BIGINT NOT NULL REFERENCES ml_runs (id) ON DELETE CASCADE,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    experiment BIGINT NOT NULL,
    PRIMARY KEY (run, key)
);
CREATE INDEX ml_params_keys ON ml_params (experiment, key, run);
CREATE TABLE ml_run_tags (
    run BIGINT NOT NULL REFERENCES ml_runs (id) ON DELETE CASCADE,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    experiment BIGINT NOT NULL,
    PRIMARY KEY (run, key)
);
CREATE INDEX ml_run_tags_keys ON ml_run_tags (experiment, key, run);

-- The latest point of each metric: the greatest by step, time and value. What searches read.
CREATE TABLE ml_latest (
    run BIGINT NOT NULL REFERENCES ml_runs (id) ON DELETE CASCADE,
    key TEXT COLLATE "C" NOT NULL,
    experiment BIGINT NOT NULL,
    -- NULL is NaN.
    value DOUBLE PRECISION,
    step BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (run, key)
);
CREATE INDEX ml_latest_values ON ml_latest (experiment, key, value, run);

-- The history of metrics, append only: what one call logged of one metric is one row. `points` holds 24 bytes for each:
-- time, step and value, little endian. Points that were logged twice are dropped when they are read.
CREATE TABLE ml_points (
    run BIGINT NOT NULL REFERENCES ml_runs (id) ON DELETE CASCADE,
    key TEXT COLLATE "C" NOT NULL,
    -- Drawn at random.
    chunk BIGINT NOT NULL,
    points BYTEA NOT NULL,
    PRIMARY KEY (run, key, chunk)
);

CREATE TABLE ml_datasets (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment BIGINT NOT NULL REFERENCES ml_experiments (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    source_type TEXT NOT NULL,
    source TEXT NOT NULL,
    schema_text TEXT,
    profile TEXT,
    CONSTRAINT ml_datasets_experiment_name_digest_key UNIQUE (experiment, name, digest)
);
CREATE TABLE ml_inputs (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run BIGINT NOT NULL REFERENCES ml_runs (id) ON DELETE CASCADE,
    dataset BIGINT NOT NULL REFERENCES ml_datasets (id) ON DELETE CASCADE,
    CONSTRAINT ml_inputs_run_dataset_key UNIQUE (run, dataset)
);
CREATE INDEX ml_inputs_dataset ON ml_inputs (dataset);
CREATE TABLE ml_input_tags (
    input BIGINT NOT NULL REFERENCES ml_inputs (id) ON DELETE CASCADE,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (input, key)
);
-- Models that went into a run or came out of it.
CREATE TABLE ml_run_models (
    run BIGINT NOT NULL REFERENCES ml_runs (id) ON DELETE CASCADE,
    -- 'input' or 'output'
    kind TEXT NOT NULL,
    model_id TEXT NOT NULL,
    step BIGINT NOT NULL,
    PRIMARY KEY (run, kind, model_id)
);

CREATE TABLE ml_logged_models (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    model_id TEXT COLLATE "C" NOT NULL,
    experiment BIGINT NOT NULL REFERENCES ml_experiments (id),
    name TEXT COLLATE "C" NOT NULL,
    artifact_location TEXT NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    status_message TEXT,
    model_type TEXT COLLATE "C",
    source_run_id TEXT COLLATE "C",
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    deleted_ms BIGINT,
    CONSTRAINT ml_logged_models_workspace_id_model_id_key UNIQUE (workspace_id, model_id)
);
CREATE INDEX ml_logged_models_newest ON ml_logged_models (experiment, created_ms DESC, model_id);
CREATE TABLE ml_logged_params (
    model BIGINT NOT NULL REFERENCES ml_logged_models (id) ON DELETE CASCADE,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (model, key)
);
CREATE TABLE ml_logged_tags (
    model BIGINT NOT NULL REFERENCES ml_logged_models (id) ON DELETE CASCADE,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (model, key)
);
CREATE TABLE ml_logged_metrics (
    model BIGINT NOT NULL REFERENCES ml_logged_models (id) ON DELETE CASCADE,
    key TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    step BIGINT NOT NULL,
    run_id TEXT COLLATE "C" NOT NULL,
    -- NULL is NaN.
    value DOUBLE PRECISION,
    dataset_name TEXT COLLATE "C",
    dataset_digest TEXT COLLATE "C",
    PRIMARY KEY (model, key, at_ms, step, run_id)
);

CREATE TABLE ml_models (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    -- Numbers of versions are never used again.
    next_version BIGINT NOT NULL,
    CONSTRAINT ml_models_workspace_id_name_key UNIQUE (workspace_id, name)
);
CREATE TABLE ml_model_tags (
    model BIGINT NOT NULL REFERENCES ml_models (id) ON DELETE CASCADE,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (model, key)
);
CREATE TABLE ml_versions (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model BIGINT NOT NULL REFERENCES ml_models (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    stage TEXT COLLATE "C" NOT NULL,
    description TEXT,
    user_id TEXT,
    source TEXT COLLATE "C" NOT NULL,
    -- Where the files are, when the source is another model.
    storage_location TEXT NOT NULL,
    run_id TEXT COLLATE "C",
    run_link TEXT,
    logged_model TEXT,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    CONSTRAINT ml_versions_model_version_key UNIQUE (model, version)
);
CREATE INDEX ml_versions_run ON ml_versions (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX ml_versions_logged_model ON ml_versions (logged_model) WHERE logged_model IS NOT NULL;
CREATE TABLE ml_version_tags (
    version BIGINT NOT NULL REFERENCES ml_versions (id) ON DELETE CASCADE,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (version, key)
);
CREATE TABLE ml_aliases (
    model BIGINT NOT NULL REFERENCES ml_models (id) ON DELETE CASCADE,
    alias TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (model, alias)
);
