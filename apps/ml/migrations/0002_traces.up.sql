-- What a program did, step by step. Times are milliseconds since 1970, those of spans nanoseconds.
CREATE TABLE ml_traces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    experiment BIGINT NOT NULL REFERENCES ml_experiments (id) ON DELETE CASCADE,
    request_ms BIGINT NOT NULL,
    duration_ms BIGINT,
    -- OK, ERROR, IN_PROGRESS or STATE_UNSPECIFIED
    state TEXT NOT NULL,
    client_request_id TEXT,
    request_preview TEXT,
    response_preview TEXT,
    -- The program itself has told what the trace is; before, it is known from its spans alone.
    is_told BOOLEAN NOT NULL,
    CONSTRAINT ml_traces_workspace_id_trace_id_key UNIQUE (workspace_id, trace_id)
);
CREATE INDEX ml_traces_newest ON ml_traces (experiment, request_ms DESC, trace_id);
CREATE TABLE ml_trace_tags (
    trace BIGINT NOT NULL REFERENCES ml_traces (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (trace, key)
) WITHOUT ROWID;
CREATE TABLE ml_trace_metadata (
    trace BIGINT NOT NULL REFERENCES ml_traces (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (trace, key)
) WITHOUT ROWID;
CREATE TABLE ml_spans (
    trace BIGINT NOT NULL REFERENCES ml_traces (id) ON DELETE CASCADE,
    span_id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    start_ns BIGINT NOT NULL,
    end_ns BIGINT,
    -- JSON: texts by name, for searches.
    attributes TEXT NOT NULL,
    -- JSON, as it is answered.
    content TEXT NOT NULL,
    PRIMARY KEY (trace, span_id)
) WITHOUT ROWID;
-- Runs and prompt versions that a trace belongs to.
CREATE TABLE ml_trace_links (
    trace BIGINT NOT NULL REFERENCES ml_traces (id) ON DELETE CASCADE,
    -- 'run' or 'prompt'
    kind TEXT NOT NULL,
    -- The run's id; the prompt's name and version, with a slash between.
    target TEXT NOT NULL,
    PRIMARY KEY (trace, kind, target)
) WITHOUT ROWID;
CREATE INDEX ml_trace_links_target ON ml_trace_links (kind, target);
-- What people and programs think of a trace.
CREATE TABLE ml_assessments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    trace BIGINT NOT NULL REFERENCES ml_traces (id) ON DELETE CASCADE,
    assessment_id TEXT NOT NULL,
    -- 'feedback', 'expectation' or 'issue'
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The value as JSON, and as a number where it is one, for searches.
    value TEXT,
    number DOUBLE PRECISION,
    -- False once another overrides it.
    is_valid BOOLEAN NOT NULL,
    -- JSON, as it is answered.
    content TEXT NOT NULL,
    CONSTRAINT ml_assessments_trace_assessment_id_key UNIQUE (trace, assessment_id)
);
