-- Questions that people answer about an experiment's traces.
CREATE TABLE ml_labels (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schema_id TEXT NOT NULL,
    experiment BIGINT NOT NULL REFERENCES ml_experiments (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    -- JSON: what an answer looks like.
    input TEXT NOT NULL,
    instruction TEXT,
    has_comment BOOLEAN NOT NULL,
    is_default BOOLEAN NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    CONSTRAINT ml_labels_schema_id_key UNIQUE (schema_id),
    CONSTRAINT ml_labels_experiment_name_key UNIQUE (experiment, name)
);
