//! What the pages of the console ask about clients, and what users answer.

use axum::extract::State;
use http::StatusCode;
use kernel::{Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Json, Page, PageQuery, Path, Query};

use crate::{
    http::authenticate::Signed,
    model::oauth::{Client, OAuthRequestId},
    service::{Application, Identity, Question},
};

/// A client as the user who is to let it in should see it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientShown {
    id: String,
    name: String,
    #[schema(required)]
    uri: Option<String>,
    #[schema(required)]
    logo_uri: Option<String>,
    /// Nobody here vouches for it, nor for its name.
    registered_by_itself: bool,
}

impl From<Client> for ClientShown {
    fn from(client: Client) -> Self {
        Self {
            id: client.id,
            name: client.name,
            uri: client.uri,
            logo_uri: client.logo_uri,
            registered_by_itself: client.by_itself,
        }
    }
}

/// What a client may do with it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScopeShown {
    name: String,
    description: String,
}

/// The workspace in which the client would work.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WorkspaceShown {
    #[schema(value_type = String)]
    id: WorkspaceId,
    name: String,
}

/// A client that asks to be let in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientRequest {
    client: ClientShown,
    scopes: Vec<ScopeShown>,
    /// Where the browser goes afterwards; `null` for a device.
    #[schema(required)]
    redirect_host: Option<String>,
    workspace: WorkspaceShown,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// The user agreed to all of this before.
    already_granted: bool,
}

impl ClientRequest {
    fn new(identity: &Identity, signed: &Signed, question: Question) -> Self {
        let membership = signed.signed_in.membership(signed.ctx.workspace);
        let membership = membership.unwrap_or_else(|| signed.signed_in.current());
        let host = |uri: &String| {
            let url = url::Url::parse(uri).ok()?;
            Some(url.host_str().map_or_else(|| format!("{}:", url.scheme()), str::to_owned))
        };
        let scope = |name: String| ScopeShown { description: identity.scope_description(&name), name };
        Self {
            client: question.client.into(),
            scopes: question.scopes.into_iter().map(scope).collect(),
            redirect_host: Some(question.redirect_uri).filter(|uri| !uri.is_empty()).as_ref().and_then(host),
            workspace: WorkspaceShown {
                id: membership.workspace.id,
                name: membership.workspace.name.clone(),
            },
            expires_at: question.expires_at,
            already_granted: question.already_granted,
        }
    }
}

/// Look at a client's request
#[utoipa::path(get, path = "/api/v1/oauth/requests/{id}", tag = "oauth", operation_id = "get_oauth_request",
    params(("id" = String, Path)), responses((status = 200, body = ClientRequest)))]
pub(super) async fn get_request(
    State(identity): State<Identity>,
    signed: Signed,
    Path(id): Path<OAuthRequestId>,
) -> web::Result<Json<ClientRequest>> {
    let question = identity.get_request(&signed.ctx, &signed.signed_in, id).await?;
    Ok(Json(ClientRequest::new(&identity, &signed, question)))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestApprove {
    /// Fewer of the scopes that the client asks for; `null`: all of them.
    #[serde(default)]
    #[schema(max_items = 200)]
    scopes: Option<Vec<String>>,
}

/// Where the browser goes now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RedirectTo {
    redirect_to: String,
}

/// Let a client in
///
/// 403 `identity.confirm-first` where the client wants that its user shows again who they are.
#[utoipa::path(post, path = "/api/v1/oauth/requests/{id}/approve", tag = "oauth",
    operation_id = "approve_oauth_request", params(("id" = String, Path)), request_body = RequestApprove,
    responses((status = 200, body = RedirectTo)))]
pub(super) async fn approve_request(
    State(identity): State<Identity>,
    signed: Signed,
    Path(id): Path<OAuthRequestId>,
    Json(body): Json<RequestApprove>,
) -> web::Result<Json<RedirectTo>> {
    let redirect_to = identity.approve_request(&signed.ctx, &signed.signed_in, id, body.scopes).await?;
    Ok(Json(RedirectTo { redirect_to }))
}

/// Refuse a client
#[utoipa::path(post, path = "/api/v1/oauth/requests/{id}/deny", tag = "oauth", operation_id = "deny_oauth_request",
    params(("id" = String, Path)), responses((status = 200, body = RedirectTo)))]
pub(super) async fn deny_request(
    State(identity): State<Identity>,
    signed: Signed,
    Path(id): Path<OAuthRequestId>,
) -> web::Result<Json<RedirectTo>> {
    let redirect_to = identity.deny_request(&signed.ctx, &signed.signed_in, id).await?;
    Ok(Json(RedirectTo { redirect_to }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserCode {
    /// As the device shows it; case, spaces and the hyphen do not matter.
    #[schema(example = "BCDF-GHJK", max_length = 64)]
    user_code: String,
}

/// Look at a device's request
///
/// Guesses are bounded: 10 in 5 minutes per user and per address.
#[utoipa::path(post, path = "/api/v1/oauth/device/lookup", tag = "oauth", operation_id = "look_up_device",
    request_body = UserCode, responses((status = 200, body = ClientRequest), (status = 404, description = "No device shows this code.")))]
pub(super) async fn look_up_device(
    State(identity): State<Identity>,
    signed: Signed,
    Json(body): Json<UserCode>,
) -> web::Result<Json<ClientRequest>> {
    let question = identity.look_up_device(&signed.ctx, &signed.signed_in, &body.user_code).await?;
    Ok(Json(ClientRequest::new(&identity, &signed, question)))
}

/// Let a device in
#[utoipa::path(post, path = "/api/v1/oauth/device/approve", tag = "oauth", operation_id = "approve_device",
    request_body = UserCode, responses((status = 204, description = "It gets its tokens when it asks next.")))]
pub(super) async fn approve_device(
    State(identity): State<Identity>,
    signed: Signed,
    Json(body): Json<UserCode>,
) -> web::Result<StatusCode> {
    identity.approve_device(&signed.ctx, &signed.signed_in, &body.user_code).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuse a device
#[utoipa::path(post, path = "/api/v1/oauth/device/deny", tag = "oauth", operation_id = "deny_device",
    request_body = UserCode, responses((status = 204, description = "It is told so when it asks next.")))]
pub(super) async fn deny_device(
    State(identity): State<Identity>,
    signed: Signed,
    Json(body): Json<UserCode>,
) -> web::Result<StatusCode> {
    identity.deny_device(&signed.ctx, &signed.signed_in, &body.user_code).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A client that the user let in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ApplicationShown {
    /// The client's id.
    id: String,
    client: ClientShown,
    scopes: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    granted_at: Timestamp,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    last_seen_at: Option<Timestamp>,
}

impl From<Application> for ApplicationShown {
    fn from(application: Application) -> Self {
        Self {
            id: application.client.id.clone(),
            client: application.client.into(),
            scopes: application.granted,
            granted_at: application.granted_at,
            last_seen_at: application.seen_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ApplicationsQuery {
    /// From 1.
    #[param(minimum = 1, maximum = 1_000_000)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u32>,
}

/// List the clients that I let in
#[utoipa::path(get, path = "/api/v1/auth/applications", tag = "oauth", operation_id = "list_applications",
    params(ApplicationsQuery), responses((status = 200, body = Page<ApplicationShown>)))]
pub(super) async fn list_applications(
    State(identity): State<Identity>,
    signed: Signed,
    Query(query): Query<ApplicationsQuery>,
) -> web::Result<Json<Page<ApplicationShown>>> {
    let page = PageQuery::parse(query.page, query.page_size)?;
    let (items, total) = identity.list_applications(&signed.signed_in, page.limit(), page.offset()).await?;
    Ok(Json(page.of(items, total).map(ApplicationShown::from)))
}

/// Put a client out
#[utoipa::path(delete, path = "/api/v1/auth/applications/{client_id}", tag = "oauth",
    operation_id = "revoke_application", params(("client_id" = String, Path)),
    responses((status = 204, description = "Its tokens are refused from now on, and it must ask again.")))]
pub(super) async fn revoke_application(
    State(identity): State<Identity>,
    signed: Signed,
    Path(id): Path<String>,
) -> web::Result<StatusCode> {
    identity.revoke_application(&signed.ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
