-- Rows are chained under a key made of the installation's secret from now on. The rows before stay as they are: a hash that
-- is none under the key must be a plain one, and no plain one follows a keyed one.

-- Proves a chain's end; without it the chain has no keyed row yet.
ALTER TABLE identity_audit_heads ADD COLUMN mac BYTEA;

-- Where a chain begins whose oldest rows were deleted for their age: the last one that is gone, and what proves that it was
-- not somebody else who took them away.
CREATE TABLE identity_audit_anchors (
    workspace_id TEXT NOT NULL PRIMARY KEY REFERENCES identity_workspaces (id),
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    pruned_at BIGINT NOT NULL,
    mac BYTEA NOT NULL
);

CREATE INDEX identity_audit_at ON identity_audit (workspace_id, at);
