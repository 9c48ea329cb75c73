-- What a program did, step by step. Times are milliseconds since 1970, those of spans nanoseconds.
CREATE TABLE ml_traces (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    trace_id TEXT COLLATE "C" NOT NULL,
    experiment BIGINT NOT NULL REFERENCES ml_experiments (id) ON DELETE CASCADE,
    request_ms BIGINT NOT NULL,
    duration_ms BIGINT,
    -- OK, ERROR, IN_PROGRESS or STATE_UNSPECIFIED
    state TEXT COLLATE "C" NOT NULL,
    client_request_id TEXT COLLATE "C",
    request_preview TEXT,
    response_preview TEXT,
    -- The program itself has told what the trace is; before, it is known from its spans alone.
    is_told BOOLEAN NOT NULL,
    CONSTRAINT ml_traces_workspace_id_trace_id_key UNIQUE (workspace_id, trace_id)
);
CREATE INDEX ml_traces_newest ON ml_traces (experiment, request_ms DESC, trace_id);
CREATE TABLE ml_trace_tags (
    trace BIGINT NOT NULL REFERENCES ml_traces (id) ON DELETE CASCADE,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (trace, key)
);
CREATE TABLE ml_trace_metadata (
    trace BIGINT NOT NULL REFERENCES ml_traces (id) ON DELETE CASCADE,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (trace, key)
);
CREATE TABLE ml_spans (
    trace BIGINT NOT NULL REFERENCES ml_traces (id) ON DELETE CASCADE,
    span_id TEXT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    start_ns BIGINT NOT NULL,
    end_ns BIGINT,
    -- JSON: texts by name, for searches.
    attributes TEXT NOT NULL,
    -- JSON, as it is answered.
    content TEXT NOT NULL,
    PRIMARY KEY (trace, span_id)
);
-- Runs and prompt versions that a trace belongs to.
CREATE TABLE ml_trace_links (
    trace BIGINT NOT NULL REFERENCES ml_traces (id) ON DELETE CASCADE,
    -- 'run' or 'prompt'
    kind TEXT NOT NULL,
    -- The run's id; the prompt's name and version, with a slash between.
    target TEXT NOT NULL,
    PRIMARY KEY (trace, kind, target)
);
CREATE INDEX ml_trace_links_target ON ml_trace_links (kind, target);
-- What people and programs think of a trace.
CREATE TABLE ml_assessments (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trace BIGINT NOT NULL REFERENCES ml_traces (id) ON DELETE CASCADE,
    assessment_id TEXT NOT NULL,
    -- 'feedback', 'expectation' or 'issue'
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The value as JSON, and as a number where it is one, for searches.
    value TEXT COLLATE "C",
    number DOUBLE PRECISION,
    -- False once another overrides it.
    is_valid BOOLEAN NOT NULL,
    -- JSON, as it is answered.
    content TEXT NOT NULL,
    CONSTRAINT ml_assessments_trace_assessment_id_key UNIQUE (trace, assessment_id)
);
