use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, State},
    response::Response,
};
use http::request::Parts;
use kernel::{Ctx, Problem, RequestId, Timestamp};
use serde::{Deserialize, Serialize};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Caller, Cursor, Feed, Json, MaybeCaller, OpenApiRouter, Query, Request, routes};

use crate::{
    Events, RoomGuard,
    acks::ClientId,
    connection,
    member::{Again, Visitor},
    outbox::{self, Kept},
    permissions::ReadEvents,
    seats::Seats,
    tickets,
    upgrade::Upgrade,
};

/// What the socket routes need.
#[derive(Clone)]
pub struct Socket(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) events: Events,
    pub(crate) guards: Vec<RoomGuard>,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) seats: Seats,
}

impl Socket {
    /// `stop` closes every connection, with code 1001, so that clients come back to another node; `tasks` is what the
    /// process waits for before it ends.
    pub fn new(events: Events, guards: Vec<RoomGuard>, stop: CancellationToken, tasks: TaskTracker) -> Self {
        let seats = Seats::new(events.config());
        Self(Arc::new(Inner { events, guards, stop, tasks, seats }))
    }

    /// Whom a ticket was given to; it is used up then.
    pub(crate) async fn redeem(&self, ticket: &str, id: RequestId, now: Timestamp) -> Result<Ctx, Problem> {
        let redeemed = async {
            let mut tx = self.0.events.db().begin().await?;
            let ctx = tickets::redeem(&mut tx, ticket, id, now).await?;
            tx.commit().await?;
            Ok::<_, db::Error>(ctx)
        };
        redeemed.await.map_err(|error| kernel::ToProblem::problem(&error))?.ok_or_else(|| {
            Problem::unauthorized(
                "realtime.ticket-invalid",
                "the ticket is unknown, used or expired; ask for a new one",
            )
        })
    }
}

/// `/ws`, the tickets for it, and what was told lately.
pub fn routes(socket: Socket) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(connect))
        .routes(routes!(create_ticket))
        .routes(routes!(list_events))
        .with_state(socket)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ConnectQuery {
    /// From `POST /api/v1/realtime/tickets`, for clients that can send neither cookie nor header.
    ticket: Option<String>,
    /// The client's own name for itself, 1 to 64 letters, digits, `-` and `_`: what it acknowledges is kept under it.
    client: Option<String>,
}

/// The realtime channel
///
/// A WebSocket (RFC 6455) of JSON text frames: join rooms, get events, resume by offset. See docs/realtime.md.
#[utoipa::path(get, path = "/ws", tag = "realtime", operation_id = "connect", params(ConnectQuery),
    responses((status = 101, description = "The connection is a WebSocket from here on."),
              (status = 426, description = "The request does not ask for a WebSocket.", body = web::ProblemBody, content_type = "application/problem+json"),
              (status = 429, description = "This user holds too many connections.", body = web::ProblemBody, content_type = "application/problem+json"),
              (status = 503, description = "This node holds as many connections as it may.", body = web::ProblemBody, content_type = "application/problem+json")))]
async fn connect(
    State(socket): State<Socket>,
    MaybeCaller(caller): MaybeCaller,
    Query(query): Query<ConnectQuery>,
    request: Request,
    Head(parts): Head,
    upgrade: Upgrade,
) -> web::Result<Response> {
    let client = query.client.as_deref().map(|client| {
        ClientId::parse(client).ok_or_else(|| {
            Problem::bad_request("invalid-query", "client must be 1 to 64 letters, digits, - and _")
                .with_errors(vec![kernel::FieldError::new("client", "1 to 64 letters, digits, - and _")])
        })
    });
    let client = client.transpose()?;
    let visitor = match (caller, query.ticket) {
        (Some(ctx), _) => {
            refuse_foreign_origin(&parts, &request)?;
            Visitor { ctx, again: Again::new(&parts, request), client }
        }
        (None, Some(ticket)) => {
            let ctx = socket.redeem(&ticket, request.id, request.now).await?;
            Visitor { ctx, again: None, client }
        }
        (None, None) => {
            return Err(Problem::unauthorized(
                "unauthenticated",
                "connect with the session cookie, an Authorization header, or a ticket",
            )
            .into());
        }
    };
    let (response, stream) = upgrade.accept(socket.0.events.config().message_bytes_max as usize)?;
    let seat = socket.0.seats.take(visitor.ctx.actor.user(), "websocket")?;
    let tasks = socket.0.tasks.clone();
    // The handshake and the connection are tasks one after the other: the second need not carry the first.
    tasks.clone().spawn(async move {
        if let Some(stream) = stream.await {
            tasks.spawn(connection::serve(socket, visitor, seat, stream));
        }
    });
    Ok(response)
}

/// A page of another site may not ride on the visitor's cookie (cross-site WebSocket hijacking).
pub(crate) fn refuse_foreign_origin(parts: &Parts, request: &Request) -> Result<(), Problem> {
    let Some(origin) = parts.headers.get(http::header::ORIGIN).and_then(|value| value.to_str().ok()) else {
        return Ok(());
    };
    if parts.headers.contains_key(http::header::AUTHORIZATION) {
        return Ok(());
    }
    let host = |url: &str| url.split_once("://").map(|(_, host)| host.to_ascii_lowercase());
    if request.host.as_deref().and_then(host) == host(origin) {
        Ok(())
    } else {
        Err(Problem::forbidden(
            "realtime.foreign-origin",
            format!("a page of {origin} may not connect with this cookie"),
        ))
    }
}

/// The head of the request, for what may be asked of it again.
struct Head(Parts);

impl<S: Send + Sync> FromRequestParts<S> for Head {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let (mut kept, ()) = http::Request::new(()).into_parts();
        kept.headers = parts.headers.clone();
        if let Some(authenticator) = parts.extensions.get::<web::Authenticator>() {
            kept.extensions.insert(authenticator.clone());
        }
        Ok(Self(kept))
    }
}

/// A pass for one connection.
#[derive(Debug, Serialize, ToSchema)]
struct TicketBody {
    ticket: String,
    /// Seconds.
    expires_in: u64,
}

/// Create a ticket for the realtime channel
///
/// It works once, on any node, within its time.
#[utoipa::path(post, path = "/api/v1/realtime/tickets", tag = "realtime", operation_id = "create_realtime_ticket",
    responses((status = 201, body = TicketBody)))]
async fn create_ticket(
    State(socket): State<Socket>,
    Caller(ctx): Caller,
) -> web::Result<(http::StatusCode, Json<TicketBody>)> {
    let mut tx = socket.0.events.db().begin().await?;
    let ticket = tickets::issue(&mut tx, &ctx).await?.ok_or_else(|| {
        Problem::too_many_requests("realtime.tickets", "too many tickets are open")
            .retry_after_s(tickets::LIFE.as_secs())
    })?;
    tx.commit().await?;
    Ok((http::StatusCode::CREATED, Json(TicketBody { ticket, expires_in: tickets::LIFE.as_secs() })))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// `next_cursor` of the answer before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// 1 to 100; 20 by default.
    limit: Option<u16>,
    /// Only events of this topic, such as `jobs.task_changed`.
    topic: Option<String>,
}

/// An event that the workspace's clients were told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RealtimeEvent)]
struct EventBody {
    /// Where it stands in the stream.
    offset: i64,
    room: String,
    topic: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    #[schema(value_type = Object)]
    data: serde_json::Value,
}

impl From<Kept> for EventBody {
    fn from(kept: Kept) -> Self {
        let data = serde_json::from_str(&kept.data).unwrap_or_default();
        Self { offset: kept.offset, room: kept.room, topic: kept.topic, at: kept.at, data }
    }
}

/// List what the workspace heard lately, newest first
///
/// As far back as events are kept (`realtime.keep_s`). What was told to one other person only is left out.
#[utoipa::path(get, path = "/api/v1/realtime/events", tag = "realtime", operation_id = "list_realtime_events",
    params(EventsQuery), responses((status = 200, body = Feed<EventBody>)))]
async fn list_events(
    State(socket): State<Socket>,
    Allowed(allow): Allowed<ReadEvents>,
    Query(query): Query<EventsQuery>,
) -> web::Result<Json<Feed<EventBody>>> {
    let limit = query.limit.unwrap_or(20);
    if !(1..=100).contains(&limit) {
        return Err(Problem::bad_request("invalid-query", "limit is out of bounds")
            .with_errors(vec![kernel::FieldError::new("limit", "must be from 1 to 100")])
            .into());
    }
    let before = query.cursor.map_or(Ok(i64::MAX), |cursor| cursor.decode())?;
    let mut tx = socket.0.events.db().read().await?;
    let (user, topic) = (allow.actor.user(), query.topic.as_deref());
    let rows =
        outbox::of_workspace(&mut tx, allow.workspace, user, topic, before, i64::from(limit) + 1).await?;
    tx.commit().await?;
    Ok(Json(Feed::new(rows, limit.into(), |row| row.offset).map(EventBody::from)))
}
