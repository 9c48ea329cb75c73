-- What several nodes must know of one another's clients, and the passes and read marks that any node must honour.

-- A node that is alive says so every few seconds; what it told of its rooms counts only while it does.
CREATE TABLE realtime_nodes (
    id TEXT PRIMARY KEY,
    seen_at BIGINT NOT NULL
);
CREATE TABLE realtime_presence (
    node_id TEXT NOT NULL,
    room TEXT NOT NULL,
    connections BIGINT NOT NULL,
    users TEXT NOT NULL,
    PRIMARY KEY (node_id, room)
);
CREATE INDEX realtime_presence_room ON realtime_presence (room);

-- A ticket is stored as its hash; whoever deletes the row has used it.
CREATE TABLE realtime_tickets (
    hash TEXT PRIMARY KEY,
    caller TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX realtime_tickets_expires ON realtime_tickets (expires_at);

-- How far a client that names itself has read.
CREATE TABLE realtime_acks (
    user_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (user_id, client_id)
);
CREATE INDEX realtime_acks_at ON realtime_acks (at);

CREATE INDEX realtime_outbox_workspace ON realtime_outbox (workspace_id, position);
