use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    response::Response,
};
use http::request::Parts;
use kernel::{Ctx, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Authenticator, Caller, Json, MaybeCaller, OpenApiRouter, Query, Request, routes};

use crate::{Events, RoomGuard, connection, tickets};

/// What the socket route needs.
#[derive(Clone)]
pub struct Socket(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) events: Events,
    pub(crate) guards: Vec<RoomGuard>,
    pub(crate) stop: tokio_util::sync::CancellationToken,
    tickets: tickets::Tickets,
}

impl Socket {
    /// `stop`: closes every connection, with code 1001, so that clients come back to another node.
    pub fn new(events: Events, guards: Vec<RoomGuard>, stop: tokio_util::sync::CancellationToken) -> Self {
        Self(Arc::new(Inner { events, guards, stop, tickets: tickets::Tickets::default() }))
    }
}

/// `/ws` and the tickets for it.
pub fn routes(socket: Socket) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(connect)).routes(routes!(create_ticket)).with_state(socket)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ConnectQuery {
    /// From `POST /api/v1/realtime/tickets`, for clients that can send neither cookie nor header.
    ticket: Option<String>,
}

/// Who connects, and how to ask again later whether they still may.
pub(crate) struct Visitor {
    pub(crate) ctx: Ctx,
    /// `None` for a ticket: its holder was checked when it was issued.
    pub(crate) again: Option<(Authenticator, Parts, Request)>,
}

/// The realtime channel
///
/// A WebSocket (RFC 6455) of JSON text frames: join rooms, get events, resume by offset. See docs/realtime.md.
#[utoipa::path(get, path = "/ws", tag = "realtime", operation_id = "connect", params(ConnectQuery),
    responses((status = 101, description = "The connection is a WebSocket from here on."),
              (status = 426, description = "The request does not ask for a WebSocket.", body = web::ProblemBody, content_type = "application/problem+json")))]
async fn connect(
    State(socket): State<Socket>,
    MaybeCaller(caller): MaybeCaller,
    Query(query): Query<ConnectQuery>,
    request: Request,
    request_parts: RequestParts,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> web::Result<Response> {
    let RequestParts(parts) = request_parts;
    let visitor = match (caller, query.ticket) {
        (Some(ctx), _) => {
            refuse_foreign_origin(&parts, &request)?;
            let authenticator = parts.extensions.get::<Authenticator>().cloned();
            Visitor { ctx, again: authenticator.map(|authenticator| (authenticator, parts, request)) }
        }
        (None, Some(ticket)) => {
            let ctx = socket.0.tickets.redeem(&ticket, request.now).ok_or_else(|| {
                Problem::unauthorized(
                    "realtime.ticket-invalid",
                    "the ticket is unknown, used or expired; ask for a new one",
                )
            })?;
            Visitor { ctx, again: None }
        }
        (None, None) => {
            return Err(Problem::unauthorized(
                "unauthenticated",
                "connect with the session cookie, an Authorization header, or a ticket",
            )
            .into());
        }
    };
    let upgrade = upgrade.map_err(|_| {
        Problem::new(
            426,
            "realtime.upgrade-required",
            "this path speaks WebSocket: send Connection: Upgrade and Upgrade: websocket",
        )
    })?;
    Ok(upgrade
        .max_message_size(64 * 1024)
        .on_upgrade(move |stream| connection::serve(socket, visitor, stream)))
}

/// A page of another site may not ride on the visitor's cookie (cross-site WebSocket hijacking).
fn refuse_foreign_origin(parts: &Parts, request: &Request) -> Result<(), Problem> {
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

/// The head of the request, kept for the checks while the connection lives.
struct RequestParts(Parts);

impl<S: Send + Sync> FromRequestParts<S> for RequestParts {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        // Only the head: the extensions hold the upgrade, and the answer of the first check.
        let (mut kept, ()) = http::Request::new(()).into_parts();
        kept.method = parts.method.clone();
        kept.uri = parts.uri.clone();
        kept.headers = parts.headers.clone();
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
#[utoipa::path(post, path = "/api/v1/realtime/tickets", tag = "realtime", operation_id = "create_realtime_ticket",
    responses((status = 201, body = TicketBody)))]
async fn create_ticket(
    State(socket): State<Socket>,
    Caller(ctx): Caller,
) -> web::Result<(http::StatusCode, Json<TicketBody>)> {
    let now = ctx.now;
    let ticket = socket.0.tickets.issue(ctx, now).ok_or_else(|| {
        Problem::too_many_requests("realtime.tickets", "too many tickets are open")
            .retry_after_s(tickets::LIFE.as_secs())
    })?;
    Ok((http::StatusCode::CREATED, Json(TicketBody { ticket, expires_in: tickets::LIFE.as_secs() })))
}
