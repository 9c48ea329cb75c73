-- What happened, in the order in which it was committed; kept for as long as a client may come back and ask.
CREATE TABLE realtime_outbox (
    position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room TEXT NOT NULL,
    topic TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    data TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX realtime_outbox_room ON realtime_outbox (room, position);
CREATE INDEX realtime_outbox_at ON realtime_outbox (at);
