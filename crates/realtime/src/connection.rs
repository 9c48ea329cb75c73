use std::{
    collections::HashMap,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use kernel::{Ctx, Problem, ToProblem};
use tokio::time::MissedTickBehavior;

use crate::{
    Room,
    events::delivery,
    http::{Socket, Visitor},
    hub::Inlet,
    outbox,
    protocol::{Ask, Tell},
};

/// A silent client is asked at this pace, and given up after three times of it.
const HEARTBEAT: Duration = Duration::from_secs(20);
const ROOMS_MAX: usize = 64;
/// More missed events than this are a reload, not a replay.
const REPLAY_MAX: i64 = 5_000;

mod code {
    pub(super) const GOING_AWAY: u16 = 1001;
    pub(super) const SLOW: u16 = 4008;
    pub(super) const SIGNED_OUT: u16 = 4401;
}

struct Connection {
    socket: Socket,
    stream: WebSocket,
    ctx: Ctx,
    inlet: Inlet,
    /// Rooms joined, and the newest offset that was replayed into each: what the queue holds up to it is a repeat.
    rooms: HashMap<Room, i64>,
}

/// Why a connection ends.
enum End {
    Gone,
    Close(u16, &'static str),
}

impl From<axum::Error> for End {
    fn from(_: axum::Error) -> Self {
        Self::Gone
    }
}

pub(crate) async fn serve(socket: Socket, visitor: Visitor, stream: WebSocket) {
    metrics::gauge!("realtime_connections").increment(1.0);
    let inlet = socket.0.events.hub().connect();
    let mut connection =
        Connection { socket, stream, ctx: visitor.ctx.clone(), inlet, rooms: HashMap::new() };
    let end = connection.run(visitor).await;
    for room in connection.rooms.keys() {
        connection.socket.0.events.hub().leave(room, connection.inlet.outlet.id);
    }
    if let Err(End::Close(code, reason)) = end {
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        drop(connection.stream.send(Message::Close(Some(frame))).await);
    }
    metrics::gauge!("realtime_connections").decrement(1.0);
}

impl Connection {
    async fn run(&mut self, visitor: Visitor) -> Result<(), End> {
        let user = self.ctx.actor.user().map(|id| id.to_string());
        let offset = self.socket.0.events.delivered();
        self.tell(&Tell::Welcome { user, workspace: self.ctx.workspace.to_string(), offset }).await?;
        let mut beat = tokio::time::interval(HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let stop = self.socket.0.stop.clone();
        let slow = self.inlet.slow.clone();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Err(End::Close(code::GOING_AWAY, "the server stops")),
                () = slow.changed.notified() => {
                    if slow.is_slow.load(Ordering::Relaxed) {
                        metrics::counter!("realtime_slow_consumers_total").increment(1);
                        return Err(End::Close(code::SLOW, "too slow: come back with your offset"));
                    }
                }
                _ = beat.tick() => {
                    if heard.elapsed() > 3 * HEARTBEAT {
                        return Err(End::Gone);
                    }
                    self.check_again(&visitor).await?;
                    self.stream.send(Message::Ping(bytes::Bytes::new())).await?;
                }
                Some(delivery) = self.inlet.queue.recv() => {
                    let repeated = delivery.offset.is_some_and(|offset| {
                        self.rooms.get(&delivery.room).is_none_or(|replayed| offset <= *replayed)
                    });
                    if !repeated {
                        self.stream.send(Message::Text(delivery.text)).await?;
                    }
                }
                message = self.stream.recv() => {
                    heard = Instant::now();
                    match message {
                        None => return Ok(()),
                        Some(Err(_)) => return Err(End::Gone),
                        Some(Ok(Message::Text(text))) => self.answer(&text).await?,
                        Some(Ok(Message::Binary(_))) => {
                            self.refuse(None, &Problem::bad_request("realtime.binary", "send JSON as text frames")).await?;
                        }
                        // Pings are answered, and a close is echoed, by the library.
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Close(_))) => return Ok(()),
                    }
                }
            }
        }
    }

    /// A session that has ended since must not go on listening.
    async fn check_again(&mut self, visitor: &Visitor) -> Result<(), End> {
        let Some((authenticator, parts, request)) = &visitor.again else { return Ok(()) };
        let request = web::Request { now: self.socket.0.events.clock().now(), ..request.clone() };
        match authenticator.authenticate(parts, &request).await {
            Ok(Some(ctx)) if ctx.workspace == self.ctx.workspace => {
                self.ctx = ctx;
                Ok(())
            }
            // The database may be away for a moment; that is no reason to send everybody off.
            Err(problem) if problem.status >= 500 => Ok(()),
            _ => Err(End::Close(code::SIGNED_OUT, "signed out")),
        }
    }

    async fn answer(&mut self, text: &str) -> Result<(), End> {
        match serde_json::from_str(text) {
            Ok(Ask::Join { room, offset }) => self.join(&room, offset).await,
            Ok(Ask::Leave { room }) => {
                if let Some(parsed) = Room::parse(&room) {
                    self.rooms.remove(&parsed);
                    self.socket.0.events.hub().leave(&parsed, self.inlet.outlet.id);
                }
                self.tell(&Tell::Left { room: &room }).await
            }
            Ok(Ask::Ping {}) => self.tell(&Tell::Pong {}).await,
            Ok(Ask::Ack { offset }) => {
                tracing::trace!(offset, "client acknowledged");
                Ok(())
            }
            Err(error) => {
                let problem = Problem::bad_request(
                    "realtime.message",
                    format!("not a message of this protocol: {error}"),
                );
                self.refuse(None, &problem).await
            }
        }
    }

    async fn join(&mut self, name: &str, offset: Option<i64>) -> Result<(), End> {
        let room = match self.admit(name).await {
            Ok(room) => room,
            Err(problem) => return self.refuse(Some(name), &problem).await,
        };
        // First enter, then read what was missed: what comes in between waits in the queue and is known by its offset.
        let presence = self.socket.0.events.hub().join(&room, &self.inlet.outlet);
        let replayed = match offset {
            None => self.socket.0.events.delivered(),
            Some(offset) => match self.replay(&room, offset).await {
                Ok(replayed) => replayed?,
                Err(error) => {
                    self.socket.0.events.hub().leave(&room, self.inlet.outlet.id);
                    return self.refuse(Some(name), &error.problem()).await;
                }
            },
        };
        self.rooms.insert(room, if offset.is_some() { replayed } else { i64::MIN });
        self.tell(&Tell::Joined { room: name, offset: replayed, presence }).await
    }

    async fn admit(&mut self, name: &str) -> Result<Room, Problem> {
        let unknown = || Problem::not_found("realtime.no-such-room", format!("there is no room {name:?}"));
        let room = Room::parse(name).ok_or_else(unknown)?;
        if self.rooms.len() >= ROOMS_MAX && !self.rooms.contains_key(&room) {
            return Err(Problem::conflict(
                "realtime.rooms",
                format!("one connection joins {ROOMS_MAX} rooms at most"),
            ));
        }
        let (prefix, id) = room.split();
        let guard = self.socket.0.guards.iter().find(|guard| guard.prefix == prefix).ok_or_else(unknown)?;
        guard.check(&self.ctx, id).await?;
        Ok(room)
    }

    /// Sends what the room heard after `offset`; gives the newest offset sent.
    async fn replay(&mut self, room: &Room, offset: i64) -> Result<Result<i64, End>, db::Error> {
        let mut tx = self.socket.0.events.db().read().await?;
        let (oldest, newest) = outbox::bounds(&mut tx).await?;
        let missed = outbox::of_room_after(&mut tx, room.as_str(), offset, REPLAY_MAX + 1).await?;
        tx.commit().await?;
        // An offset from the future is one of another database: nothing of it can be resumed.
        if offset.saturating_add(1) < oldest || offset > newest || missed.len() as i64 > REPLAY_MAX {
            return Ok(self
                .tell(&Tell::Reset { room: room.as_str(), offset: newest })
                .await
                .map(|()| newest));
        }
        for row in &missed {
            if self.stream.send(Message::Text(delivery(row).text)).await.is_err() {
                return Ok(Err(End::Gone));
            }
        }
        Ok(Ok(newest.max(offset)))
    }

    async fn refuse(&mut self, room: Option<&str>, problem: &Problem) -> Result<(), End> {
        self.tell(&Tell::problem(room, problem)).await
    }

    async fn tell(&mut self, message: &Tell<'_>) -> Result<(), End> {
        Ok(self.stream.send(Message::Text(message.to_text().into())).await?)
    }
}
