-- What models are judged by: sets of questions with answers, and what scores an answer.
CREATE TABLE ml_evaluation_sets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id TEXT NOT NULL,
    dataset_id TEXT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    -- JSON: the kinds of values by name, of inputs, outputs and expectations.
    schema TEXT,
    records BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    created_by TEXT,
    updated_by TEXT,
    CONSTRAINT ml_evaluation_sets_workspace_id_dataset_id_key UNIQUE (workspace_id, dataset_id)
);
CREATE TABLE ml_evaluation_tags (
    dataset BIGINT NOT NULL REFERENCES ml_evaluation_sets (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (dataset, key)
) WITHOUT ROWID;
CREATE TABLE ml_evaluation_experiments (
    dataset BIGINT NOT NULL REFERENCES ml_evaluation_sets (id) ON DELETE CASCADE,
    experiment BIGINT NOT NULL REFERENCES ml_experiments (id) ON DELETE CASCADE,
    PRIMARY KEY (dataset, experiment)
) WITHOUT ROWID;
CREATE INDEX ml_evaluation_experiments_experiment ON ml_evaluation_experiments (experiment);
CREATE TABLE ml_evaluation_records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    dataset BIGINT NOT NULL REFERENCES ml_evaluation_sets (id) ON DELETE CASCADE,
    record_id TEXT NOT NULL,
    -- Of its inputs: the same again is the same record.
    input_hash TEXT NOT NULL,
    -- JSON, as it is answered.
    content TEXT NOT NULL,
    CONSTRAINT ml_evaluation_records_dataset_input_hash_key UNIQUE (dataset, input_hash)
);
CREATE TABLE ml_scorers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    experiment BIGINT NOT NULL REFERENCES ml_experiments (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    scorer_id TEXT NOT NULL,
    CONSTRAINT ml_scorers_experiment_name_key UNIQUE (experiment, name)
);
CREATE TABLE ml_scorer_versions (
    scorer BIGINT NOT NULL REFERENCES ml_scorers (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    content TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (scorer, version)
) WITHOUT ROWID;
