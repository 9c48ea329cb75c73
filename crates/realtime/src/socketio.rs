//! `/socket.io` for the older browser clients: Socket.IO protocols 4 and 5 over polling and WebSocket, with the rooms,
//! guards, queues and limits of `/ws`. What is told here under other names stands in [`crate::older`].

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use http::{HeaderValue, header, request::Parts};
use kernel::Problem;
use serde::Deserialize;
use serde_json::{Value, json};
use socketioxide::{
    SendError, SocketError, SocketIo,
    extract::{AckSender, SocketRef, TryData},
    handler::ConnectHandler as _,
};
use tokio::{sync::mpsc, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{
    delivery::{Delivery, PRESENCE},
    http::{Socket, refuse_foreign_origin},
    member::{Again, Entered, Lost, Member, Missed, Since, Visitor},
    older::{JOINED_FROM_THE_START, Older},
    protocol::Tell,
    seats::Seat,
};

/// What an older client may say while it connects.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Auth {
    token: Option<String>,
    ticket: Option<String>,
}

/// A connection that was let in, on its way from the check to its handler.
#[derive(Clone)]
struct LetIn(Arc<Mutex<Option<(Visitor, Seat)>>>);

/// What a client asks, with the way to answer it.
struct Asked {
    what: &'static str,
    data: Value,
    ack: AckSender,
}

const ASKS: [&str; 5] = ["join", "leave", "who", "ack", "join_room"];
/// Asks that wait for a connection that is busy; more are a flood.
const ASKS_MAX: usize = 64;
/// A client that takes nothing for this long is given up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
const WRITE_RETRY: Duration = Duration::from_millis(20);
/// Time between the transport's start and the first packet of Socket.IO.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of the read buffer of one connection.
const READ_BUFFER: usize = 1024;

/// The routes of [`socket_io_routes`]. A poll waits for the next ping at most, or for the end of a client that answers none.
pub const LONG_POLLS: &[&str] = &["/socket.io", "/socket.io/"];

/// `/socket.io`. `answer_within`: how long an answer may take; polls of a client that answers pings end before.
pub fn socket_io_routes(socket: &Socket, answer_within: Duration) -> Router {
    let config = socket.0.events.config();
    let ping = Duration::from_secs(config.ping_s.into());
    let (service, io) = SocketIo::builder()
        .ping_interval(ping.min(answer_within.mul_f64(0.8)))
        .ping_timeout(2 * ping)
        .connect_timeout(CONNECT_TIMEOUT)
        .max_payload(config.message_bytes_max.into())
        .ws_max_message_size(config.message_bytes_max as usize)
        .ws_max_frame_size(config.message_bytes_max as usize)
        .ws_read_buffer_size(READ_BUFFER)
        .build_svc();
    let (at_door, inside) = (socket.clone(), socket.clone());
    let check = move |client: SocketRef, TryData(auth): TryData<Auth>| {
        let socket = at_door.clone();
        async move { let_in(&socket, &client, auth.unwrap_or_default()).await }
    };
    let connected = move |client: SocketRef| {
        // Before the first await: what the client says next finds its handlers.
        let (asks, gone) = listen(&client);
        let socket = inside.clone();
        async move { serve(socket, client, asks, gone).await }
    };
    io.ns("/", connected.with(check));
    Router::new()
        .route_service(LONG_POLLS[0], service.clone())
        .route_service(LONG_POLLS[1], service)
        .layer(from_fn_with_state(socket.clone(), refuse_when_full))
}

/// A new session needs a place; requests of one that is there do not.
async fn refuse_when_full(
    State(socket): State<Socket>,
    request: Request,
    next: Next,
) -> web::Result<Response> {
    let query = request.uri().query().unwrap_or("");
    if !query.split('&').any(|pair| pair.starts_with("sid=")) {
        socket.0.seats.check()?;
    }
    Ok(next.run(request).await)
}

async fn let_in(socket: &Socket, client: &SocketRef, auth: Auth) -> Result<(), Problem> {
    let parts = client.req_parts();
    let visitor = visitor(socket, parts, auth).await?;
    let seat = socket.0.seats.take(visitor.ctx.actor.user(), "socket.io")?;
    client.extensions.insert(LetIn(Arc::new(Mutex::new(Some((visitor, seat))))));
    Ok(())
}

async fn visitor(socket: &Socket, parts: &Parts, auth: Auth) -> Result<Visitor, Problem> {
    let request = parts.extensions.get::<web::Request>().cloned().ok_or_else(Problem::internal)?;
    let in_query = || {
        let pairs = parts.uri.query().unwrap_or("").split('&');
        pairs.filter_map(|pair| pair.strip_prefix("ticket=")).map(str::to_owned).next()
    };
    if let Some(ticket) = auth.ticket.or_else(in_query) {
        let ctx = socket.redeem(&ticket, request.id, request.now).await?;
        return Ok(Visitor { ctx, again: None, client: None });
    }
    let mut again = Again::new(parts, request.clone()).ok_or_else(Problem::internal)?;
    match auth.token {
        Some(token) => {
            let value = HeaderValue::from_str(&format!("Bearer {token}"));
            let value =
                value.map_err(|_| Problem::unauthorized("unauthenticated", "this is no access token"))?;
            again.parts.headers.insert(header::AUTHORIZATION, value);
        }
        None => refuse_foreign_origin(parts, &request)?,
    }
    let ctx = again.authenticator.authenticate(&again.parts, &request).await?.ok_or_else(|| {
        Problem::unauthorized(
            "unauthenticated",
            "connect with the session cookie, an Authorization header, auth: {token} or auth: {ticket}",
        )
    })?;
    Ok(Visitor { ctx, again: Some(again), client: None })
}

/// Hears the client's asks, in order, and when it is gone.
fn listen(client: &SocketRef) -> (mpsc::Receiver<Asked>, CancellationToken) {
    let (sender, asks) = mpsc::channel(ASKS_MAX);
    for what in ASKS {
        let sender = sender.clone();
        client.on(what, move |client: SocketRef, TryData(data): TryData<Value>, ack: AckSender| {
            let asked = Asked { what, data: data.unwrap_or_default(), ack };
            // In order, and without waiting: a client that asks faster than it is answered is told so.
            let is_late = sender.try_send(asked).is_err();
            async move {
                if is_late {
                    drop(client.emit("problem", &json!({"status": 429, "error": "too-many-requests"})));
                }
            }
        });
    }
    let gone = CancellationToken::new();
    let told = gone.clone();
    client.on_disconnect(move || {
        told.cancel();
        std::future::ready(())
    });
    (asks, gone)
}

struct Session {
    member: Member,
    client: SocketRef,
}

/// The client is gone, or has to go.
struct Ended;

async fn serve(socket: Socket, client: SocketRef, mut asks: mpsc::Receiver<Asked>, gone: CancellationToken) {
    let let_in = client
        .extensions
        .get::<LetIn>()
        .and_then(|LetIn(place)| place.lock().unwrap_or_else(PoisonError::into_inner).take());
    let Some((visitor, seat)) = let_in else { return };
    let stop = socket.0.stop.clone();
    let mut session = Session { member: Member::new(socket, visitor, seat), client };
    tokio::select! {
        () = gone.cancelled() => {}
        () = stop.cancelled() => {}
        Ended = session.run(&mut asks) => {}
    }
    drop(session.client.disconnect());
}

impl Session {
    async fn run(&mut self, asks: &mut mpsc::Receiver<Asked>) -> Ended {
        match self.go(asks).await {
            Ok(()) | Err(Ended) => Ended,
        }
    }

    async fn go(&mut self, asks: &mut mpsc::Receiver<Asked>) -> Result<(), Ended> {
        let ctx = &self.member.ctx;
        let (user, workspace) = (ctx.actor.user().map(|user| user.to_string()), ctx.workspace.to_string());
        for room in JOINED_FROM_THE_START {
            let room = room
                .replace("{workspace}", &workspace)
                .replace("{user}", user.as_deref().unwrap_or_default());
            // A room that is not for this user, or of a module that is not here, is not entered.
            drop(self.member.join(&room, Since::Now, false).await);
        }
        let offset = self.member.socket.0.events.delivered();
        self.emit("welcome", &json!({"user": user, "workspace": workspace, "offset": offset})).await?;
        let every = Duration::from_secs(self.member.socket.0.events.config().ping_s.into());
        let mut beat = tokio::time::interval(every);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let outlet = self.member.inlet.outlet.clone();
        loop {
            tokio::select! {
                () = outlet.slow.notified() => {
                    if outlet.is_slow.load(Ordering::Relaxed) {
                        metrics::counter!("realtime_slow_consumers_total").increment(1);
                        return Err(Ended);
                    }
                }
                _ = beat.tick() => {
                    for Lost { room, problem } in self.member.check_again().await.map_err(|_| Ended)? {
                        let mut told = told(&problem);
                        told["room"] = room.as_str().into();
                        self.emit("problem", &told).await?;
                        self.emit("left", &json!({"room": room.as_str()})).await?;
                    }
                }
                Some(asked) = asks.recv() => {
                    if !self.member.may_speak() {
                        return Err(Ended);
                    }
                    self.answer(asked).await?;
                }
                Some(delivery) = self.member.inlet.queue.recv() => {
                    if self.member.wants(&delivery) {
                        self.pass_on(&delivery).await?;
                    }
                }
            }
        }
    }

    async fn answer(&mut self, asked: Asked) -> Result<(), Ended> {
        let data = &asked.data;
        // `emit("join", {room: "…"})`, or in short `emit("join", "…")`.
        let room = data.as_str().or_else(|| data["room"].as_str()).unwrap_or_default().to_owned();
        let answered = match asked.what {
            "join" => {
                let since = data["offset"].as_i64().map_or(Since::Now, Since::Offset);
                let watches = data["presence"].as_bool().unwrap_or_default();
                match self.member.join(&room, since, watches).await {
                    Ok(entered) => Ok(self.enter(&room, entered).await?),
                    Err(problem) => Err(problem),
                }
            }
            "join_room" => return self.join_room(data, asked.ack).await,
            "leave" => {
                self.member.leave(&room);
                Ok(json!({"room": room}))
            }
            "who" => {
                let found = self.member.who(&room).await;
                found.map(|(room, here)| value(&Tell::presence(&room, &here)))
            }
            _ => {
                self.member.ack(data.as_i64().or_else(|| data["offset"].as_i64()).unwrap_or(0)).await;
                return Ok(());
            }
        };
        match answered {
            Ok(answer) => drop(asked.ack.send(&answer)),
            Err(problem) => self.refuse(asked.ack, &problem).await?,
        }
        Ok(())
    }

    /// Older exam clients name their user: that is the room of this user, and of no other.
    async fn join_room(&mut self, data: &Value, ack: AckSender) -> Result<(), Ended> {
        let user = match &data["user_id"] {
            Value::String(user) => user.clone(),
            other => other.to_string(),
        };
        let room = format!("user:{user}");
        match self.member.join(&room, Since::Now, false).await {
            Ok(_) => {
                let joined = json!({"room": room, "user_id": user});
                drop(ack.send(&joined));
                self.emit("joined", &joined).await
            }
            Err(problem) => self.refuse(ack, &problem).await,
        }
    }

    async fn enter(&mut self, room: &str, entered: Entered) -> Result<Value, Ended> {
        let is_reset = matches!(entered.missed, Missed::Reset);
        if let Missed::Events(missed) = entered.missed {
            for delivery in missed {
                self.pass_on(&delivery).await?;
            }
        }
        Ok(json!({
            "room": room,
            "offset": entered.offset,
            "presence": entered.here.connections,
            "reset": is_reset,
        }))
    }

    async fn refuse(&mut self, ack: AckSender, problem: &Problem) -> Result<(), Ended> {
        let told = told(problem);
        drop(ack.send(&json!({"error": told})));
        self.emit("problem", &told).await
    }

    /// Under the older name where there is one; else under its own, with where it stands as a second argument.
    async fn pass_on(&mut self, delivery: &Delivery) -> Result<(), Ended> {
        let data = delivery.value();
        if let Some(older) = Older::of(&delivery.topic) {
            let payload = older.payload(data, delivery.at);
            return self.push(older.name, &payload, delivery.offset.is_some()).await;
        }
        if delivery.topic == PRESENCE {
            return self.push(PRESENCE, data, false).await;
        }
        let place = json!({"room": delivery.room.as_str(), "offset": delivery.offset, "at": delivery.at});
        self.push(&delivery.topic, &(data, place), delivery.offset.is_some()).await
    }

    async fn emit(&mut self, name: &str, data: &Value) -> Result<(), Ended> {
        self.push(name, data, true).await
    }

    /// A full buffer makes an event wait, and a frame go.
    async fn push<T: serde::Serialize>(&mut self, name: &str, data: &T, is_kept: bool) -> Result<(), Ended> {
        let mut waited = Duration::ZERO;
        loop {
            match self.client.emit(name, data) {
                Ok(()) => return Ok(()),
                Err(SendError::Socket(SocketError::InternalChannelFull)) if !is_kept => {
                    metrics::counter!("realtime_frames_dropped_total").increment(1);
                    return Ok(());
                }
                Err(SendError::Socket(SocketError::InternalChannelFull)) if waited < WRITE_TIMEOUT => {
                    tokio::time::sleep(WRITE_RETRY).await;
                    waited += WRITE_RETRY;
                }
                Err(SendError::Socket(SocketError::InternalChannelFull)) => {
                    metrics::counter!("realtime_slow_consumers_total").increment(1);
                    return Err(Ended);
                }
                Err(SendError::Socket(SocketError::Closed)) => return Err(Ended),
                Err(SendError::Serialize(error)) => {
                    tracing::warn!(%error, topic = name, "an event could not be written for Socket.IO");
                    return Ok(());
                }
            }
        }
    }
}

fn told(problem: &Problem) -> Value {
    json!({"status": problem.status, "error": problem.code, "detail": problem.detail})
}

fn value(tell: &Tell<'_>) -> Value {
    serde_json::to_value(tell).unwrap_or_default()
}
