CREATE TABLE jobs_tasks (
    id               TEXT PRIMARY KEY,
    workspace_id     TEXT NOT NULL,
    kind             TEXT NOT NULL,
    queue            TEXT NOT NULL,
    -- 0 before 1 before 2.
    priority         BIGINT NOT NULL,
    state            TEXT NOT NULL
        CHECK (state IN ('PENDING', 'RUNNING', 'RETRYING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    args             TEXT NOT NULL,
    unique_key       TEXT,
    -- Not claimed before this time. Kept when a dead worker's task comes back, so that it is first in line again.
    run_at           BIGINT NOT NULL,
    -- Attempts that were begun and were not given back.
    attempt          BIGINT NOT NULL DEFAULT 0,
    max_attempts     BIGINT NOT NULL,
    -- How often a worker died with it.
    losses           BIGINT NOT NULL DEFAULT 0,
    -- Counts claims and rescues. A worker may only write to the task under the number that it claimed it with.
    fence            BIGINT NOT NULL DEFAULT 0,
    worker           TEXT,
    timeout_ms       BIGINT NOT NULL,
    cancel_requested BOOLEAN NOT NULL DEFAULT FALSE,
    progress         BIGINT NOT NULL DEFAULT 0,
    message          TEXT,
    result           TEXT,
    problem          TEXT,
    -- The last attempt's failure, for operators.
    error            TEXT,
    actor            TEXT NOT NULL,
    request_id       TEXT NOT NULL,
    locale           TEXT NOT NULL,
    created_at       BIGINT NOT NULL,
    started_at       BIGINT,
    finished_at      BIGINT,
    -- Deleted after this time. NULL until it is finished.
    expires_at       BIGINT
);

CREATE INDEX jobs_tasks_due ON jobs_tasks (queue, priority, run_at, id) WHERE state IN ('PENDING', 'RETRYING');
CREATE INDEX jobs_tasks_running ON jobs_tasks (worker) WHERE state = 'RUNNING';
CREATE INDEX jobs_tasks_share ON jobs_tasks (workspace_id) WHERE state = 'RUNNING';
CREATE INDEX jobs_tasks_workspace ON jobs_tasks (workspace_id, id);
CREATE INDEX jobs_tasks_expiry ON jobs_tasks (expires_at) WHERE expires_at IS NOT NULL;
-- One unfinished task per key. Named as both engines report it.
CREATE UNIQUE INDEX jobs_tasks_workspace_id_kind_unique_key_key ON jobs_tasks (workspace_id, kind, unique_key)
    WHERE finished_at IS NULL;

-- A worker process lives as long as its beat goes on counting.
CREATE TABLE jobs_workers (
    id         TEXT PRIMARY KEY,
    beat       BIGINT NOT NULL,
    -- By its own clock, which may be wrong.
    seen_at    BIGINT NOT NULL
);

CREATE TABLE jobs_paused_queues (
    queue     TEXT PRIMARY KEY,
    paused_at BIGINT NOT NULL
);
