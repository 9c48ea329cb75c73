-- The processes that serve this installation. Each says every few seconds that it lives.
CREATE TABLE platform_nodes (
    id TEXT NOT NULL PRIMARY KEY,
    -- with commas
    roles TEXT NOT NULL,
    version TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);
