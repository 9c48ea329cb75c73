use axum::extract::State;
use http::StatusCode;
use kernel::{SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Json, Page, PageQuery, Path, Query};

use super::authenticate::Signed;
use crate::{model, service::Identity};

/// How a session is held.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SessionKind {
    /// A browser, by cookie.
    Browser,
    /// A program that was given the password.
    Program,
    /// A client that its owner let in.
    Client,
    /// A service account, by its secret.
    Service,
}

impl From<model::SessionKind> for SessionKind {
    fn from(kind: model::SessionKind) -> Self {
        match kind {
            model::SessionKind::Browser => Self::Browser,
            model::SessionKind::Program => Self::Program,
            model::SessionKind::Client => Self::Client,
            model::SessionKind::Service => Self::Service,
        }
    }
}

/// One signed-in device.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Session {
    #[schema(value_type = String)]
    id: SessionId,
    kind: SessionKind,
    /// `client_id` of the client that holds it.
    #[schema(required)]
    client: Option<String>,
    /// What the client calls itself (`User-Agent`).
    device: String,
    #[schema(required)]
    address: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_seen_at: Timestamp,
    /// The one that asks.
    current: bool,
}

impl Session {
    pub(super) fn new(session: model::Session, current: Option<SessionId>) -> Self {
        Self {
            current: current == Some(session.id),
            id: session.id,
            kind: session.kind.into(),
            client: session.client,
            device: session.device,
            address: session.address,
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SessionsQuery {
    /// From 1.
    #[param(minimum = 1, maximum = 1_000_000)]
    pub(super) page: Option<u32>,
    #[param(minimum = 1, maximum = 100)]
    pub(super) page_size: Option<u32>,
}

/// List my signed-in devices
#[utoipa::path(get, path = "/api/v1/auth/sessions", tag = "auth", operation_id = "list_sessions",
    params(SessionsQuery), responses((status = 200, body = Page<Session>)))]
pub(super) async fn list_sessions(
    State(identity): State<Identity>,
    signed: Signed,
    Query(query): Query<SessionsQuery>,
) -> web::Result<Json<Page<Session>>> {
    let page = PageQuery::parse(query.page, query.page_size)?;
    let (items, total) = identity.list_sessions(&signed.ctx, page.limit(), page.offset()).await?;
    let current = Some(signed.signed_in.session.id);
    Ok(Json(page.of(items, total).map(|session| Session::new(session, current))))
}

/// End one of my sessions
#[utoipa::path(delete, path = "/api/v1/auth/sessions/{id}", tag = "auth", operation_id = "end_session",
    params(("id" = String, Path)), responses((status = 204, description = "Over.")))]
pub(super) async fn end_session(
    State(identity): State<Identity>,
    signed: Signed,
    Path(id): Path<SessionId>,
) -> web::Result<StatusCode> {
    identity.end_session(&signed.ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End all my other sessions
#[utoipa::path(delete, path = "/api/v1/auth/sessions", tag = "auth", operation_id = "end_other_sessions",
    responses((status = 204, description = "All but this one are over.")))]
pub(super) async fn end_other_sessions(
    State(identity): State<Identity>,
    signed: Signed,
) -> web::Result<StatusCode> {
    identity.end_other_sessions(&signed.ctx, signed.signed_in.session.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
