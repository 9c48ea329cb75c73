-- The W3C traceparent of the request that asked for the task, so that one trace holds both.
ALTER TABLE jobs_tasks ADD COLUMN trace_parent TEXT;

-- Whose turn it is, when one workspace has filled a queue.
CREATE INDEX jobs_tasks_turn ON jobs_tasks (queue, workspace_id, priority, run_at, id)
    WHERE state IN ('PENDING', 'RETRYING');
CREATE INDEX jobs_tasks_failed ON jobs_tasks (queue) WHERE state = 'FAILED';

CREATE TABLE jobs_schedules (
    name          TEXT PRIMARY KEY,
    -- As the module declares it.
    cron          TEXT NOT NULL,
    time_zone     TEXT NOT NULL,
    catch_up      TEXT NOT NULL,
    -- What an administrator wants instead; NULL where nothing.
    own_cron      TEXT,
    own_time_zone TEXT,
    own_catch_up  TEXT,
    is_paused     BOOLEAN NOT NULL DEFAULT FALSE,
    -- Planned times up to this one are settled: fired, or passed over.
    settled_at    BIGINT NOT NULL
);

CREATE TABLE jobs_schedule_runs (
    id         TEXT PRIMARY KEY,
    schedule   TEXT NOT NULL,
    planned_at BIGINT NOT NULL,
    fired_at   BIGINT NOT NULL,
    task_id    TEXT NOT NULL,
    reason     TEXT NOT NULL CHECK (reason IN ('DUE', 'CATCH_UP', 'MANUAL'))
);

CREATE INDEX jobs_schedule_runs_latest ON jobs_schedule_runs (schedule, id);
-- A planned time fires once, whatever the clocks and the other nodes do.
CREATE UNIQUE INDEX jobs_schedule_runs_schedule_planned_at_key ON jobs_schedule_runs (schedule, planned_at)
    WHERE reason <> 'MANUAL';
