use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::header;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Json, Page, PageQuery, Query};

use super::users::cut;
use crate::{
    model,
    permissions::{ReadSigningKeys, WriteSigningKeys},
    service::{Identity, KEY_SET_AGE_S},
};

/// A key pair that signs tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SigningKey {
    /// `kid` of its tokens: the key's thumbprint (RFC 7638).
    id: String,
    #[schema(example = "ES256")]
    algorithm: &'static str,
    /// `next` (published, does not sign yet), `signing`, `verifying` (its last tokens still live), `done` or `revoked`.
    state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Signs from then on.
    #[schema(value_type = String, format = DateTime)]
    active_from: Timestamp,
}

impl From<&(model::SigningKey, model::KeyState)> for SigningKey {
    fn from((key, state): &(model::SigningKey, model::KeyState)) -> Self {
        Self {
            id: key.id.clone(),
            algorithm: key.algorithm.name(),
            state: state.name(),
            created_at: key.created_at,
            active_from: key.active_from,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SigningKeysQuery {
    /// From 1.
    #[param(minimum = 1, maximum = 1_000_000)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u32>,
}

/// List the keys that sign tokens
///
/// Only key pairs: the secret of `HS256` is none of them.
#[utoipa::path(get, path = "/api/v1/signing-keys", tag = "tokens", operation_id = "list_signing_keys",
    params(SigningKeysQuery), responses((status = 200, body = Page<SigningKey>)))]
pub(super) async fn list_signing_keys(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<ReadSigningKeys>,
    Query(query): Query<SigningKeysQuery>,
) -> web::Result<Json<Page<SigningKey>>> {
    let page = PageQuery::parse(query.page, query.page_size)?;
    let keys = identity.list_signing_keys(&allow).await?;
    Ok(Json(cut(page, &keys).map(SigningKey::from)))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SigningKeysRotate {
    /// Somebody may know a key: the new ones sign at once, and every token of the older ones is refused from now on.
    #[serde(default)]
    revoke: bool,
}

/// Replace the keys that sign tokens
///
/// The new ones are published at once and sign five minutes later; what the older ones signed stays valid until it expires.
#[utoipa::path(post, path = "/api/v1/signing-keys/rotate", tag = "tokens", operation_id = "rotate_signing_keys",
    request_body = SigningKeysRotate, responses((status = 200, body = Page<SigningKey>)))]
pub(super) async fn rotate_signing_keys(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteSigningKeys>,
    Json(body): Json<SigningKeysRotate>,
) -> web::Result<Json<Page<SigningKey>>> {
    let keys = identity.rotate_signing_keys(&allow, body.revoke).await?;
    Ok(Json(cut(PageQuery::parse(None, Some(100))?, &keys).map(SigningKey::from)))
}

/// Public keys (RFC 7517 §5).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeySet {
    #[schema(value_type = Vec<Object>)]
    keys: serde_json::Value,
}

/// The public keys that verify tokens
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "oauth", operation_id = "key_set", security(()),
    responses((status = 200, body = KeySet)))]
pub(super) async fn key_set(
    State(identity): State<Identity>,
    request: web::Request,
) -> web::Result<Response> {
    let keys = identity.key_set(request.now).await?;
    let caching = format!("public, max-age={KEY_SET_AGE_S}");
    Ok(([(header::CACHE_CONTROL, caching)], axum::Json(keys)).into_response())
}
