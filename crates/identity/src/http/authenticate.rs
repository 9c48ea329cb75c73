use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::FromRequestParts;
use http::{HeaderMap, header, request::Parts};
use kernel::{Ctx, Problem, Secret, ToProblem as _};
use web::Authenticate;

use super::cookies;
use crate::{
    error::Error,
    model::{KeyKind, Visit, oauth::OAuthError},
    service::{ClientCredentials, Identity, KeyHolder, SignedIn, Typed},
};

/// How a caller proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    AccessToken,
    Cookie,
}

/// A signed-in user with a session of their own: what the routes of this module need beyond [`web::Caller`]. API keys, and
/// clients and services with tokens of theirs, are told that it takes one.
pub(super) struct Signed {
    pub(super) ctx: Ctx,
    pub(super) signed_in: Arc<SignedIn>,
    pub(super) by: By,
}

/// Whoever showed credentials that count.
pub(super) enum Known {
    Session(Signed),
    Key(Ctx, Arc<KeyHolder>),
}

impl Known {
    pub(super) fn ctx(&self) -> &Ctx {
        match self {
            Self::Session(signed) => &signed.ctx,
            Self::Key(ctx, _) => ctx,
        }
    }

    fn into_ctx(self) -> Ctx {
        match self {
            Self::Session(signed) => signed.ctx,
            Self::Key(ctx, _) => ctx,
        }
    }
}

impl FromRequestParts<Identity> for Known {
    type Rejection = web::Error;

    async fn from_request_parts(parts: &mut Parts, identity: &Identity) -> web::Result<Self> {
        let request = web::Request::from_request_parts(parts, identity).await?;
        let known = identity.resolve(parts, &request).await?.ok_or_else(|| {
            Problem::unauthorized(
                "unauthenticated",
                "sign in, or send an access token as Authorization: Bearer …",
            )
        })?;
        let span = tracing::Span::current();
        span.record("user.id", tracing::field::display(&known.ctx().actor));
        span.record("workspace.id", tracing::field::display(known.ctx().workspace));
        Ok(known)
    }
}

impl FromRequestParts<Identity> for Signed {
    type Rejection = web::Error;

    async fn from_request_parts(parts: &mut Parts, identity: &Identity) -> web::Result<Self> {
        match Known::from_request_parts(parts, identity).await? {
            Known::Session(signed) if signed.signed_in.session.is_own() => Ok(signed),
            Known::Session(_) | Known::Key(..) => Err(Error::OwnSessionNeeded.into()),
        }
    }
}

/// Anybody at the door.
pub(super) struct Visitor {
    pub(super) request: web::Request,
    pub(super) visit: Visit,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = web::Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> web::Result<Self> {
        let request = web::Request::from_request_parts(parts, state).await?;
        Ok(Self { visit: visit(&parts.headers, &request), request })
    }
}

/// Where programs may show an API key instead of in `Authorization`.
const API_KEY: &str = "x-api-key";
/// Characters kept of a `User-Agent`.
const DEVICE_CHARS_MAX: usize = 300;

fn visit(headers: &HeaderMap, request: &web::Request) -> Visit {
    let device = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("");
    Visit {
        request_id: request.id.clone(),
        now: request.now,
        address: request.address,
        device: device.chars().take(DEVICE_CHARS_MAX).collect(),
        locale: request.locale,
    }
}

impl Identity {
    /// For the server: finds out who asks.
    pub fn authenticator(&self) -> web::Authenticator {
        Arc::new(self.clone())
    }

    /// `None`: no credentials at all. Of a token, an API key and a cookie, the first counts.
    pub(super) async fn resolve(
        &self,
        parts: &Parts,
        request: &web::Request,
    ) -> Result<Option<Known>, Error> {
        let visit = visit(&parts.headers, request);
        if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
            let token = value.to_str().ok().and_then(bearer).ok_or(Error::TokenRefused)?;
            if token.starts_with(KeyKind::Personal.mark()) {
                let (ctx, holder) = self.by_api_key(token, &visit).await?;
                return Ok(Some(Known::Key(ctx, holder)));
            }
            let (ctx, signed_in) = self.by_access_token(token, &visit).await?;
            let signed_in = may_go_on(parts, signed_in)?;
            return Ok(Some(Known::Session(Signed { ctx, signed_in, by: By::AccessToken })));
        }
        if let Some(value) = parts.headers.get(API_KEY) {
            let key = value.to_str().map_err(|_| Error::TokenRefused)?;
            let (ctx, holder) = self.by_api_key(key.trim(), &visit).await?;
            return Ok(Some(Known::Key(ctx, holder)));
        }
        let Some(cookie) = cookies::session_cookie(&parts.headers) else { return Ok(None) };
        let (ctx, signed_in) = self.by_cookie(cookie, &visit).await?;
        let signed_in = may_go_on(parts, signed_in)?;
        cookies::check_own_page(self, parts, request, signed_in.session.id)?;
        Ok(Some(Known::Session(Signed { ctx, signed_in, by: By::Cookie })))
    }
}

/// Who must have a second factor and has none may set one up, and leave.
fn may_go_on(parts: &Parts, signed_in: Arc<SignedIn>) -> Result<Arc<SignedIn>, Error> {
    let path = parts.uri.path();
    let open = path == "/logout"
        || path.strip_prefix("/api/v1/auth/").is_some_and(|route| {
            let first = route.split('/').next().unwrap_or("");
            match first {
                "me" => parts.method == http::Method::GET,
                "session" => parts.method == http::Method::DELETE,
                "security" | "totp" | "recovery-codes" | "passkeys" | "confirm" | "logout" => true,
                _ => false,
            }
        });
    if !signed_in.needs_second_factor || open { Ok(signed_in) } else { Err(Error::SecondFactorNeeded) }
}

/// The scheme's name has no case (RFC 9110 §11.1).
pub(super) fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The problem; what is our own fault is logged here.
fn told(error: &Error) -> Problem {
    let problem = error.problem();
    if problem.status >= 500 {
        tracing::error!(error = ?error, "could not find out who asks");
    }
    problem
}

#[async_trait]
impl Authenticate for Identity {
    async fn authenticate(&self, parts: &Parts, request: &web::Request) -> Result<Option<Ctx>, Problem> {
        match self.resolve(parts, request).await {
            Ok(known) => Ok(known.map(Known::into_ctx)),
            Err(error) => Err(told(&error)),
        }
    }

    async fn token_for(
        &self,
        email: &str,
        password: Secret<String>,
        parts: &Parts,
        request: &web::Request,
    ) -> Result<Option<Secret<String>>, Problem> {
        let visit = visit(&parts.headers, request);
        // A service account has an id and a secret, as it shows them for a token elsewhere.
        if password.expose().starts_with(KeyKind::Client.mark()) {
            let credentials = ClientCredentials { id: email.to_owned(), secret: Some(password) };
            return match self.client_credentials(&visit, &credentials, &[]).await {
                Ok(token) => Ok(Some(Secret::new(token.access))),
                Err(OAuthError::Failed(error)) => Err(told(&error)),
                Err(OAuthError::Fault { .. }) => Err(Error::BadCredentials.problem()),
            };
        }
        let typed = Typed { email: email.to_owned(), password, code: None };
        match self.sign_in(&visit, typed, Vec::new()).await {
            Ok(pair) => Ok(Some(Secret::new(pair.access))),
            Err(error) => Err(told(&error)),
        }
    }
}
