-- What differs from the default; the value is JSON.
CREATE TABLE settings_values (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL
);

-- What was changed, in the order of `position`. NULL stands for the default.
CREATE TABLE settings_changes (
    id TEXT PRIMARY KEY,
    position BIGINT NOT NULL,
    key TEXT NOT NULL,
    old_value TEXT,
    new_value TEXT,
    actor TEXT NOT NULL,
    at BIGINT NOT NULL,
    undo_of TEXT,
    is_undone BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX settings_changes_position ON settings_changes (position);
CREATE INDEX settings_changes_key ON settings_changes (key, position);

-- One row. Every change counts it up: that is how the nodes notice, and how writers wait for each other.
CREATE TABLE settings_version (
    id BIGINT PRIMARY KEY,
    version BIGINT NOT NULL
);
INSERT INTO settings_version (id, version) VALUES (1, 0);
