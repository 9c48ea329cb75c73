//! One connected client, whatever it speaks: who it is, which rooms it is in, how far it has read.

use std::time::{Duration, Instant};

use http::request::Parts;
use kernel::{Ctx, Problem, ToProblem as _};
use web::{Authenticator, Request};

use crate::{
    Room,
    acks::{self, ClientId},
    delivery::Delivery,
    http::Socket,
    hub::Inlet,
    outbox,
    pace::Pace,
    presence::Here,
    seats::Seat,
};

const ROOMS_MAX: usize = 64;
/// More missed events than this are a reload, not a replay.
const REPLAY_MAX: i64 = 5_000;
/// A connection by ticket lives as long as an access token would; then its holder comes with a new one.
const TICKET_LIFE: Duration = Duration::from_secs(15 * 60);
/// How far a client has read is written down this often.
const ACK_EVERY: Duration = Duration::from_secs(2);

/// Who connects, and how to ask again later whether they still may.
pub(crate) struct Visitor {
    pub(crate) ctx: Ctx,
    /// `None` for a ticket: its holder was checked when it was issued.
    pub(crate) again: Option<Box<Again>>,
    pub(crate) client: Option<ClientId>,
}

/// What proves who somebody is, for asking again.
pub(crate) struct Again {
    pub(crate) authenticator: Authenticator,
    pub(crate) parts: Parts,
    pub(crate) request: Request,
}

impl Again {
    /// Keeps the credentials and nothing else of the request: the rest would hold its buffer for as long as the
    /// connection lives.
    pub(crate) fn new(parts: &Parts, request: Request) -> Option<Box<Self>> {
        let authenticator = parts.extensions.get::<Authenticator>().cloned()?;
        let (mut kept, ()) = http::Request::new(()).into_parts();
        for name in [http::header::AUTHORIZATION, http::header::COOKIE] {
            for value in parts.headers.get_all(&name) {
                if let Ok(value) = http::HeaderValue::from_bytes(value.as_bytes()) {
                    kept.headers.append(&name, value);
                }
            }
        }
        Some(Box::new(Self { authenticator, parts: kept, request }))
    }
}

pub(crate) struct Member {
    pub(crate) socket: Socket,
    pub(crate) ctx: Ctx,
    pub(crate) inlet: Inlet,
    again: Option<Box<Again>>,
    client: Option<ClientId>,
    since: Instant,
    /// Rooms joined, and the newest offset that was replayed into each: what the queue holds up to it is a repeat.
    rooms: Vec<(Room, i64)>,
    /// What the client may has changed since the guards of its rooms were asked.
    is_in_doubt: bool,
    acked: Acked,
    pace: Pace,
    _seat: Seat,
}

#[derive(Default)]
struct Acked {
    position: i64,
    saved: i64,
    saved_at: Option<Instant>,
}

/// From where a room is to be heard.
pub(crate) enum Since {
    Now,
    Offset(i64),
    /// From what this client acknowledged last.
    Acked,
}

/// What entering a room gave.
pub(crate) struct Entered {
    /// Where the stream of this room stands for the client now.
    pub(crate) offset: i64,
    pub(crate) here: Here,
    pub(crate) missed: Missed,
}

pub(crate) enum Missed {
    Events(Vec<Delivery>),
    /// Too old, too many, or of another installation: load afresh.
    Reset,
}

/// The session is over.
pub(crate) struct SignedOut;

/// A room that was left because the client may not be in it any more.
pub(crate) struct Lost {
    pub(crate) room: Room,
    pub(crate) problem: Problem,
}

impl Member {
    pub(crate) fn new(socket: Socket, visitor: Visitor, seat: Seat) -> Self {
        let inlet = socket.0.events.hub().connect(visitor.ctx.actor.user());
        let now = Instant::now();
        Self {
            pace: Pace::new(socket.0.events.config().messages_per_s, now),
            socket,
            ctx: visitor.ctx,
            inlet,
            again: visitor.again,
            client: visitor.client,
            since: now,
            rooms: Vec::new(),
            is_in_doubt: false,
            acked: Acked::default(),
            _seat: seat,
        }
    }

    /// Whether the client keeps within its number of messages.
    pub(crate) fn may_speak(&mut self) -> bool {
        let fine = self.pace.allows(Instant::now());
        if !fine {
            metrics::counter!("realtime_refused_total", "reason" => "flood").increment(1);
        }
        fine
    }

    /// How far this client had read when it was here before.
    pub(crate) async fn last_acked(&mut self) -> Option<i64> {
        let (user, client) = (self.ctx.actor.user()?, self.client.as_ref()?);
        let found = async {
            let mut tx = self.socket.0.events.db().read().await?;
            let found = acks::find(&mut tx, user, client).await?;
            tx.commit().await?;
            Ok::<_, db::Error>(found)
        };
        match found.await {
            Ok(found) => {
                self.acked.position = found.unwrap_or(0);
                self.acked.saved = self.acked.position;
                found
            }
            Err(error) => {
                tracing::warn!(%error, "how far a client has read could not be found");
                None
            }
        }
    }

    /// Notes how far the client has read; written down every few seconds.
    pub(crate) async fn ack(&mut self, offset: i64) {
        if offset <= self.socket.0.events.delivered() {
            self.acked.position = self.acked.position.max(offset);
        }
        if self.acked.saved_at.is_none_or(|at| at.elapsed() >= ACK_EVERY) {
            self.save_ack().await;
        }
    }

    pub(crate) async fn save_ack(&mut self) {
        let (Some(user), Some(client)) = (self.ctx.actor.user(), &self.client) else { return };
        if self.acked.position <= self.acked.saved {
            return;
        }
        self.acked.saved_at = Some(Instant::now());
        let events = &self.socket.0.events;
        let saved = async {
            let mut tx = events.db().begin().await?;
            acks::save(&mut tx, user, client, self.acked.position, events.clock().now()).await?;
            tx.commit().await
        };
        match saved.await {
            Ok(()) => self.acked.saved = self.acked.position,
            // The client hears some events again.
            Err(error) => tracing::warn!(%error, "how far a client has read could not be saved"),
        }
    }

    /// A session that has ended since must not go on listening; nor one whose grants have changed in rooms that are not
    /// for it any more: these are left, and given.
    pub(crate) async fn check_again(&mut self) -> Result<Vec<Lost>, SignedOut> {
        let Some(again) = &self.again else {
            return if self.since.elapsed() < TICKET_LIFE { Ok(Vec::new()) } else { Err(SignedOut) };
        };
        let request = Request { now: self.socket.0.events.clock().now(), ..again.request.clone() };
        match again.authenticator.authenticate(&again.parts, &request).await {
            Ok(Some(ctx)) if ctx.workspace == self.ctx.workspace => {
                self.is_in_doubt |= ctx.grants != self.ctx.grants;
                self.ctx = ctx;
            }
            // The database may be away for a moment; that is no reason to send everybody off.
            Err(problem) if problem.status >= 500 => {}
            _ => return Err(SignedOut),
        }
        Ok(if self.is_in_doubt { self.leave_what_is_lost().await } else { Vec::new() })
    }

    async fn leave_what_is_lost(&mut self) -> Vec<Lost> {
        self.is_in_doubt = false;
        let mut lost = Vec::new();
        for (room, _) in &self.rooms {
            match self.ask_guard(room).await {
                Ok(()) => {}
                // Not known at this moment: asked again at the next ping.
                Err(problem) if problem.status >= 500 => self.is_in_doubt = true,
                Err(problem) => lost.push(Lost { room: room.clone(), problem }),
            }
        }
        for Lost { room, .. } in &lost {
            self.leave(room.as_str());
        }
        lost
    }

    /// Whether the client has not had this already, and is still there to have it.
    pub(crate) fn wants(&self, delivery: &Delivery) -> bool {
        let room = self.rooms.iter().find(|(room, _)| *room == delivery.room);
        room.is_some_and(|(_, replayed)| delivery.offset.is_none_or(|offset| offset > *replayed))
    }

    /// Enters a room, and gives what it heard since. `watches`: hears who comes and goes.
    pub(crate) async fn join(&mut self, name: &str, since: Since, watches: bool) -> Result<Entered, Problem> {
        let room = self.admit(name).await?;
        let since = match since {
            Since::Now => None,
            Since::Offset(offset) => Some(offset),
            Since::Acked if self.acked.position > 0 => Some(self.acked.position),
            Since::Acked => None,
        };
        // First enter, then read what was missed: what comes in between waits in the queue and is known by its offset.
        let was_in = self.rooms.iter().any(|(known, _)| *known == room);
        self.socket.0.events.hub().join(&room, &self.inlet.outlet, watches);
        let replayed = match since {
            None => Ok((self.socket.0.events.delivered(), Missed::Events(Vec::new()))),
            Some(offset) => self.missed(&room, offset).await,
        };
        let (offset, missed) = match replayed {
            Ok(replayed) => replayed,
            Err(error) => {
                if !was_in {
                    self.socket.0.events.hub().leave(&room, self.inlet.outlet.id);
                }
                return Err(error.problem());
            }
        };
        metrics::counter!("realtime_joins_total").increment(1);
        let here = self.socket.0.events.who(&room).await;
        self.rooms.retain(|(known, _)| *known != room);
        self.rooms.push((room, if since.is_some() { offset } else { i64::MIN }));
        Ok(Entered { offset, here, missed })
    }

    pub(crate) fn leave(&mut self, name: &str) {
        if let Some(at) = self.rooms.iter().position(|(room, _)| room.as_str() == name) {
            let (room, _) = self.rooms.swap_remove(at);
            self.socket.0.events.hub().leave(&room, self.inlet.outlet.id);
        }
    }

    /// Who is in a room that this client is in.
    pub(crate) async fn who(&self, name: &str) -> Result<(Room, Here), Problem> {
        let room = self.rooms.iter().find(|(room, _)| room.as_str() == name).map(|(room, _)| room.clone());
        let room = room.ok_or_else(|| {
            Problem::conflict("realtime.not-joined", "who is in a room is told to those who have joined it")
        })?;
        let here = self.socket.0.events.who(&room).await;
        Ok((room, here))
    }

    async fn admit(&mut self, name: &str) -> Result<Room, Problem> {
        let room = Room::parse(name).ok_or_else(|| no_such_room(name))?;
        if self.rooms.len() >= ROOMS_MAX && self.rooms.iter().all(|(known, _)| *known != room) {
            return Err(Problem::conflict(
                "realtime.rooms",
                format!("one connection joins {ROOMS_MAX} rooms at most"),
            ));
        }
        self.ask_guard(&room).await?;
        Ok(room)
    }

    /// Whether the client, as it is now, may be in the room.
    async fn ask_guard(&self, room: &Room) -> Result<(), Problem> {
        let (prefix, id) = room.split();
        let guard = self.socket.0.guards.iter().find(|guard| guard.prefix == prefix);
        guard.ok_or_else(|| no_such_room(room.as_str()))?.check(&self.ctx, id).await
    }

    /// What the room heard after `offset`, and where that ends. No further than this node has delivered: the rest comes
    /// by the queue, in order, also what a slow transaction commits late.
    async fn missed(&self, room: &Room, offset: i64) -> Result<(i64, Missed), db::Error> {
        let delivered = self.socket.0.events.delivered();
        let mut tx = self.socket.0.events.db().read().await?;
        let (oldest, newest) = outbox::bounds(&mut tx).await?;
        let rows = outbox::of_room(&mut tx, room.as_str(), offset, delivered, REPLAY_MAX + 1).await?;
        tx.commit().await?;
        // An offset from the future is one of another database: nothing of it can be resumed.
        if offset.saturating_add(1) < oldest
            || offset > newest.max(delivered)
            || rows.len() as i64 > REPLAY_MAX
        {
            return Ok((delivered, Missed::Reset));
        }
        let missed = rows.iter().map(Delivery::of_event).collect();
        Ok((delivered.max(offset), Missed::Events(missed)))
    }
}

fn no_such_room(name: &str) -> Problem {
    let shown: String = name.chars().take(128).collect();
    Problem::not_found("realtime.no-such-room", format!("there is no room {shown:?}"))
}

impl Drop for Member {
    fn drop(&mut self) {
        for (room, _) in &self.rooms {
            self.socket.0.events.hub().leave(room, self.inlet.outlet.id);
        }
    }
}
