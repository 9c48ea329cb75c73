-- Runs that traces belong to which are not here yet: clients send traces in the background, and link them at once.
CREATE TABLE ml_waiting_links (
    workspace_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, trace_id, run_id)
);
CREATE INDEX ml_waiting_links_created ON ml_waiting_links (created_ms);
