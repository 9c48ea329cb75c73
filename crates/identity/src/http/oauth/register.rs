use axum::{
    body::Bytes,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    error::{OAuthErrorBody, Result},
    token::NOT_KEPT,
};
use crate::{
    http::authenticate::Visitor,
    model::oauth::OAuthError,
    service::{Identity, NewClient},
};

/// What a client says of itself (RFC 7591 §2). What it says beyond this is not looked at.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Registration {
    #[serde(default)]
    #[schema(max_items = 10)]
    redirect_uris: Vec<String>,
    #[serde(default)]
    #[schema(max_length = 100)]
    client_name: Option<String>,
    /// `none` for a client that can keep no secret.
    #[serde(default)]
    token_endpoint_auth_method: Option<String>,
    #[serde(default)]
    grant_types: Vec<String>,
    #[serde(default)]
    response_types: Vec<String>,
    /// With spaces between.
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    client_uri: Option<String>,
    #[serde(default)]
    logo_uri: Option<String>,
    #[serde(default)]
    post_logout_redirect_uris: Vec<String>,
    #[serde(default)]
    id_token_signed_response_alg: Option<String>,
}

/// A client that registered (RFC 7591 §3.2.1).
#[derive(Serialize, ToSchema)]
pub(super) struct Registered {
    client_id: String,
    client_id_issued_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// 0: the secret does not expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<i64>,
    client_name: String,
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: String,
    grant_types: Vec<String>,
    response_types: [&'static str; 1],
    scope: String,
    id_token_signed_response_alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_uri: Option<String>,
    post_logout_redirect_uris: Vec<String>,
}

/// Register a client by itself (RFC 7591)
///
/// Unless the setting `identity.client_registration` closes it. Users are told that nobody vouches for such a client.
#[utoipa::path(post, path = "/oauth/register", tag = "oauth", operation_id = "oauth_register", security(()),
    request_body = Registration,
    responses((status = 201, body = Registered), (status = 400, body = OAuthErrorBody)))]
pub(super) async fn register(
    State(identity): State<Identity>,
    visitor: Visitor,
    body: Bytes,
) -> Result<Response> {
    let metadata = |description: &str| OAuthError::Fault {
        code: "invalid_client_metadata",
        description: description.to_owned(),
    };
    let asked: Registration = serde_json::from_slice(&body).map_err(|error| metadata(&format!("{error}")))?;
    let method = asked.token_endpoint_auth_method.as_deref().unwrap_or("client_secret_basic");
    if !matches!(method, "none" | "client_secret_basic" | "client_secret_post") {
        return Err(metadata(
            "token_endpoint_auth_method must be none, client_secret_basic or client_secret_post",
        )
        .into());
    }
    if asked.response_types.iter().any(|kind| kind != "code") {
        return Err(metadata("response_types must be code").into());
    }
    let host = |uri: &String| url::Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_owned));
    let unnamed = || asked.redirect_uris.first().and_then(host).unwrap_or_else(|| "Unnamed".to_owned());
    let new = NewClient {
        name: asked.client_name.clone().unwrap_or_else(unnamed),
        is_confidential: method != "none",
        scopes: asked.scope.unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect(),
        grant_types: asked.grant_types,
        id_token_alg: asked.id_token_signed_response_alg,
        uri: asked.client_uri,
        logo_uri: asked.logo_uri,
        redirect_uris: asked.redirect_uris,
        logout_uris: asked.post_logout_redirect_uris,
    };
    let method = method.to_owned();
    let (client, secret) = identity.register_by_itself(&visitor.visit, new).await?;
    let answer = Registered {
        client_id: client.id,
        client_id_issued_at: client.created_at.as_second(),
        client_secret_expires_at: secret.as_ref().map(|_| 0),
        client_secret: secret.map(|text| text.expose().to_owned()),
        client_name: client.name,
        redirect_uris: client.redirect_uris,
        token_endpoint_auth_method: method,
        grant_types: client.grant_types,
        response_types: ["code"],
        scope: client.scopes.join(" "),
        id_token_signed_response_alg: client.id_token_alg.name(),
        client_uri: client.uri,
        logo_uri: client.logo_uri,
        post_logout_redirect_uris: client.logout_uris,
    };
    Ok((StatusCode::CREATED, NOT_KEPT, axum::Json(answer)).into_response())
}
