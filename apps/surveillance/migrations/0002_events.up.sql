-- What all events of one zone, kind, severity and class share. Filters choose series, then read each by time.
CREATE TABLE surveillance_series (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    camera_id TEXT NOT NULL,
    camera_name TEXT NOT NULL,
    -- Empty without a zone: NULL would let the same series come twice.
    zone_id TEXT NOT NULL,
    zone_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    class TEXT NOT NULL,
    -- How many events it has, to choose between reading by series and reading by time.
    events BIGINT NOT NULL,
    CONSTRAINT surveillance_series_key UNIQUE (workspace_id, camera_id, zone_id, kind, severity, class)
);

CREATE TABLE surveillance_events (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    series_id TEXT NOT NULL REFERENCES surveillance_series (id),
    camera_id TEXT NOT NULL,
    confidence DOUBLE PRECISION NOT NULL,
    state TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    ended_at BIGINT,
    track_ids TEXT NOT NULL,
    acknowledged_at BIGINT,
    acknowledged_by TEXT,
    acknowledged_comment TEXT,
    snapshot_at BIGINT,
    clip_state TEXT NOT NULL,
    evidence TEXT NOT NULL
);
CREATE INDEX surveillance_events_time ON surveillance_events (workspace_id, started_at, id);
CREATE INDEX surveillance_events_series ON surveillance_events (series_id, started_at, id);
CREATE INDEX surveillance_events_open_time ON surveillance_events (workspace_id, started_at, id) WHERE acknowledged_at IS NULL;
CREATE INDEX surveillance_events_open_series ON surveillance_events (series_id, started_at, id) WHERE acknowledged_at IS NULL;
CREATE INDEX surveillance_events_done_time ON surveillance_events (workspace_id, started_at, id) WHERE acknowledged_at IS NOT NULL;
CREATE INDEX surveillance_events_done_series ON surveillance_events (series_id, started_at, id) WHERE acknowledged_at IS NOT NULL;
CREATE INDEX surveillance_events_active ON surveillance_events (workspace_id, camera_id) WHERE state = 'active';
CREATE INDEX surveillance_events_recording ON surveillance_events (camera_id, started_at) WHERE clip_state = 'recording';

-- Events by the time in which they started, kept in the transactions that write events: statistics never read events.
-- A bucket is the begin of an hour, of a day, or of a span of 32 days, in seconds since 1970 (UTC); spans keep sums over
-- years short.
CREATE TABLE surveillance_counts (
    workspace_id TEXT NOT NULL,
    -- 'hour', 'day' or 'span'
    grain TEXT NOT NULL,
    bucket BIGINT NOT NULL,
    series_id TEXT NOT NULL REFERENCES surveillance_series (id),
    events BIGINT NOT NULL,
    acknowledged BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, grain, bucket, series_id)
);

-- The same over all series, for charts.
CREATE TABLE surveillance_totals (
    workspace_id TEXT NOT NULL,
    -- 'hour' or 'day'
    grain TEXT NOT NULL,
    bucket BIGINT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, grain, bucket)
);
