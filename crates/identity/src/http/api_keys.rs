use axum::extract::State;
use http::StatusCode;
use kernel::{ApiKeyId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Json, Page, PageQuery, Path, Query};

use super::authenticate::Signed;
use crate::{
    model,
    service::{Identity, NewApiKey},
};

/// A key by which a program acts for its owner, in one workspace.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ApiKey {
    #[schema(value_type = String)]
    id: ApiKeyId,
    name: String,
    /// How the key begins.
    #[schema(example = "socle_Ab3dE9")]
    prefix: String,
    /// Empty: all that its owner may.
    scopes: Vec<String>,
    /// The only one where it works.
    #[schema(value_type = String)]
    workspace_id: kernel::WorkspaceId,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// To the minute.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
}

impl From<model::ApiKey> for ApiKey {
    fn from(key: model::ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes,
            workspace_id: key.workspace,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
        }
    }
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
pub(super) struct NewKey {
    #[serde(flatten)]
    key_shown: ApiKey,
    /// The key itself; it is told this once. Send it as `Authorization: Bearer …` or `X-API-Key`.
    key: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ApiKeysQuery {
    /// From 1.
    #[param(minimum = 1, maximum = 1_000_000)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u32>,
}

/// List my API keys
#[utoipa::path(get, path = "/api/v1/auth/api-keys", tag = "tokens", operation_id = "list_api_keys",
    params(ApiKeysQuery), responses((status = 200, body = Page<ApiKey>)))]
pub(super) async fn list_api_keys(
    State(identity): State<Identity>,
    signed: Signed,
    Query(query): Query<ApiKeysQuery>,
) -> web::Result<Json<Page<ApiKey>>> {
    let page = PageQuery::parse(query.page, query.page_size)?;
    let user = signed.signed_in.user.id;
    let (items, total) = identity.list_api_keys(user, page.limit(), page.offset()).await?;
    Ok(Json(page.of(items, total).map(ApiKey::from)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiKeyCreate {
    /// What it is for.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// `read`, `write` or names of permissions. Empty: all that the owner may.
    #[serde(default)]
    #[schema(max_items = 200)]
    scopes: Vec<String>,
    /// `null`: never.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// Make an API key for the present workspace
///
/// Asks for a session of one's own that was confirmed lately.
#[utoipa::path(post, path = "/api/v1/auth/api-keys", tag = "tokens", operation_id = "create_api_key",
    request_body = ApiKeyCreate, responses((status = 201, body = NewKey)))]
pub(super) async fn create_api_key(
    State(identity): State<Identity>,
    signed: Signed,
    Json(body): Json<ApiKeyCreate>,
) -> web::Result<(StatusCode, Json<NewKey>)> {
    let new = NewApiKey { name: body.name, scopes: body.scopes, expires_at: body.expires_at };
    let (key, text) = identity.create_api_key(&signed.ctx, &signed.signed_in, new).await?;
    Ok((StatusCode::CREATED, Json(NewKey { key_shown: key.into(), key: text.expose().to_owned() })))
}

/// Revoke one of my API keys
#[utoipa::path(delete, path = "/api/v1/auth/api-keys/{id}", tag = "tokens", operation_id = "revoke_api_key",
    params(("id" = String, Path)), responses((status = 204, description = "It is refused from now on.")))]
pub(super) async fn revoke_api_key(
    State(identity): State<Identity>,
    signed: Signed,
    Path(id): Path<ApiKeyId>,
) -> web::Result<StatusCode> {
    identity.revoke_api_key(&signed.ctx, signed.signed_in.user.id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
