use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use axum::extract::FromRequestParts;
use http::request::Parts;
use kernel::{Allow, Ctx, Locale, Permission, Problem, RequestId, Secret, Timestamp};

use crate::{Error, Result};

/// What is known of a request before anybody is known: put there by [`crate::middleware`].
#[derive(Debug, Clone)]
pub struct Request {
    pub id: RequestId,
    pub now: Timestamp,
    pub locale: Locale,
    /// Behind trusted proxies, the one that they tell.
    pub address: Option<IpAddr>,
    /// Whether that is the caller's address, and not that of a proxy which hides the caller.
    pub address_is_own: bool,
    /// Scheme and host that the caller used, for links and for the check of `Origin`.
    pub host: Option<String>,
}

/// Finds out who asks. Implemented by `identity`.
#[async_trait]
pub trait Authenticate: Send + Sync + 'static {
    /// `None`: no credentials at all. A problem: credentials that do not count.
    async fn authenticate(&self, parts: &Parts, request: &Request) -> Result<Option<Ctx>, Problem>;

    /// An access token for who shows e-mail address and password with every request, as clients of foreign protocols do
    /// (HTTP Basic): to be kept for its short life, and shown in their stead. `None`: this authenticator gives none.
    async fn token_for(
        &self,
        _email: &str,
        _password: Secret<String>,
        _parts: &Parts,
        _request: &Request,
    ) -> Result<Option<Secret<String>>, Problem> {
        Ok(None)
    }
}

pub type Authenticator = Arc<dyn Authenticate>;

impl<S: Send + Sync> FromRequestParts<S> for Request {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        Ok(request(parts)?)
    }
}

fn request(parts: &Parts) -> Result<Request, Problem> {
    parts.extensions.get::<Request>().cloned().ok_or_else(Problem::internal)
}

/// Anybody, signed in or not. Credentials that do not count are still an error.
pub struct MaybeCaller(pub Option<Ctx>);

impl<S: Send + Sync> FromRequestParts<S> for MaybeCaller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        if let Some(ctx) = parts.extensions.get::<Ctx>() {
            return Ok(Self(Some(ctx.clone())));
        }
        let authenticator = parts.extensions.get::<Authenticator>().cloned().ok_or_else(Problem::internal)?;
        let request = request(parts)?;
        let mut ctx = authenticator.authenticate(parts, &request).await?;
        if let Some(ctx) = &mut ctx {
            ctx.trace_parent = telemetry::trace::current();
            tracing::Span::current().record("user.id", tracing::field::display(&ctx.actor));
            tracing::Span::current().record("workspace.id", tracing::field::display(ctx.workspace));
            parts.extensions.insert(ctx.clone());
        }
        Ok(Self(ctx))
    }
}

/// Any signed-in caller, for matters of their own. What a token or key is narrowed to must cover them: `read` for safe
/// methods, else `write`.
pub struct Caller(pub Ctx);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let ctx = signed_in(parts, state).await?;
        let class = if parts.method.is_safe() { "read" } else { "write" };
        if ctx.grants.covers(class) {
            Ok(Self(ctx))
        } else {
            let detail = format!("this needs the scope {class}, which the token or key does not have");
            Err(Problem::forbidden("insufficient-scope", detail).into())
        }
    }
}

async fn signed_in<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Ctx> {
    let caller = MaybeCaller::from_request_parts(parts, state).await?.0;
    let nobody = "sign in, or send an access token as Authorization: Bearer …";
    Ok(caller.ok_or_else(|| Problem::unauthorized("unauthenticated", nobody))?)
}

/// A caller who holds `P`: asking for this in a handler is the check.
pub struct Allowed<P>(pub Allow<P>);

impl<S: Send + Sync, P: Permission> FromRequestParts<S> for Allowed<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        Ok(Self(signed_in(parts, state).await?.allow::<P>()?))
    }
}
