use axum::extract::State;
use http::{HeaderMap, HeaderName, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    error::{OAuthErrorBody, Result},
    form::Form,
};
use crate::{
    http::authenticate::Visitor,
    model::oauth::{OAuthError, grants},
    service::{ClientTokens, Identity},
};

/// What a client gets (RFC 6749 §5.1).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenAnswer {
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds that the access token works.
    expires_in: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Who signed in, for the client to read (OpenID Connect Core §2).
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    scope: String,
}

impl From<ClientTokens> for TokenAnswer {
    fn from(tokens: ClientTokens) -> Self {
        Self {
            access_token: tokens.access,
            token_type: "Bearer",
            expires_in: tokens.expires_in_s,
            refresh_token: tokens.refresh,
            id_token: tokens.id_token,
            scope: tokens.scopes.join(" "),
        }
    }
}

/// What a client sends; which of it depends on `grant_type`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the description of the API only")]
pub(super) struct TokenForm {
    /// `authorization_code`, `refresh_token`, `client_credentials` or `urn:ietf:params:oauth:grant-type:device_code`.
    grant_type: String,
    /// Here, or in `Authorization: Basic` with the secret.
    client_id: Option<String>,
    client_secret: Option<String>,
    code: Option<String>,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
    refresh_token: Option<String>,
    device_code: Option<String>,
    /// With spaces between; never more than was granted.
    scope: Option<String>,
    /// This server's address (RFC 8707).
    resource: Option<String>,
}

/// Nothing on the way may keep it (RFC 6749 §5.1).
pub(super) const NOT_KEPT: [(HeaderName, &str); 2] =
    [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];

/// Get tokens
#[utoipa::path(post, path = "/oauth/token", tag = "oauth", operation_id = "oauth_token", security(()),
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = TokenAnswer), (status = 400, body = OAuthErrorBody),
        (status = 401, body = OAuthErrorBody, description = "The client did not prove who it is.")))]
pub(super) async fn token(
    State(identity): State<Identity>,
    visitor: Visitor,
    headers: HeaderMap,
    form: Form,
) -> Result<([(HeaderName, &'static str); 2], axum::Json<TokenAnswer>)> {
    let visit = &visitor.visit;
    let grant_type = form.needed("grant_type")?;
    let credentials = form.client(&headers)?;
    let resources = form.all("resource");
    let answer = match grant_type {
        grants::CODE => {
            let client = identity.prove_client(visit, &credentials).await?;
            let (code, verifier) = (form.needed("code")?, form.needed("code_verifier")?);
            let redirect_uri = form.one("redirect_uri")?;
            identity.exchange_code(visit, &client, code, redirect_uri, verifier, &resources).await?.into()
        }
        grants::REFRESH => {
            let client = identity.prove_client(visit, &credentials).await?;
            let token = form.needed("refresh_token")?;
            identity
                .refresh_for_client(visit, &client, token, &form.words("scope")?, &resources)
                .await?
                .into()
        }
        grants::DEVICE => {
            let client = identity.prove_client(visit, &credentials).await?;
            identity.exchange_device_code(visit, &client, form.needed("device_code")?).await?.into()
        }
        grants::CLIENT => {
            let token = identity.client_credentials(visit, &credentials, &form.words("scope")?).await?;
            TokenAnswer {
                access_token: token.access,
                token_type: "Bearer",
                expires_in: token.expires_in_s,
                refresh_token: None,
                id_token: None,
                scope: token.scopes.join(" "),
            }
        }
        other => {
            let shown: String = other.chars().take(64).collect();
            return Err(
                OAuthError::unsupported_grant_type(format!("there is no grant_type {shown:?} here")).into()
            );
        }
    };
    Ok((NOT_KEPT, axum::Json(answer)))
}
