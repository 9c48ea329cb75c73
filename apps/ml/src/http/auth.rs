//! Who calls: what MLflow's clients show, brought into the forms that the server's authenticator knows.

use axum::{extract::FromRequestParts as _, response::IntoResponse as _};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use http::{HeaderValue, header, request::Parts};
use kernel::{Ctx, Problem, Secret};
use web::{Authenticator, MaybeCaller};

use crate::{
    error::Error,
    service::{Ml, Shown, unauthenticated},
};

/// How the text of a personal API key begins; it is shown as a bearer token.
const API_KEY: &str = "socle_";

/// The caller, in the workspace that the path or the header names, else in their own.
pub(super) async fn caller(ml: &Ml, parts: &mut Parts, workspace: Option<&str>) -> Result<Ctx, Error> {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let workspace = workspace.or_else(|| header("x-mlflow-workspace")).map(str::trim).map(str::to_owned);
    let found = match basic(parts)? {
        None => known(parts).await?,
        Some(shown) => by_password(ml, parts, shown).await?,
    };
    let ctx = match found {
        Some(ctx) => ctx,
        None => {
            let request = parts.extensions.get::<web::Request>().ok_or_else(unauthenticated)?;
            ml.nobody(request).await?.ok_or_else(unauthenticated)?
        }
    };
    match workspace.filter(|name| !name.is_empty()) {
        Some(name) => ml.enter(ctx, &name).await,
        None => Ok(ctx),
    }
}

/// By what the server's authenticator knows.
async fn known(parts: &mut Parts) -> Result<Option<Ctx>, Error> {
    match MaybeCaller::from_request_parts(parts, &()).await {
        Ok(MaybeCaller(ctx)) => Ok(ctx),
        Err(error) => {
            let mut response = error.into_response();
            let problem = response.extensions_mut().remove::<Problem>().unwrap_or_else(Problem::internal);
            Err(Error::Refused(problem))
        }
    }
}

/// E-mail address and password; an API key in the place of either is made a bearer token on the spot.
fn basic(parts: &mut Parts) -> Result<Option<Shown>, Error> {
    let Some(value) = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
        return Ok(None);
    };
    let Some((scheme, encoded)) = value.split_once(' ') else { return Ok(None) };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let decoded = BASE64.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let (user, password) =
        decoded.as_deref().and_then(|text| text.split_once(':')).ok_or_else(unauthenticated)?;
    for key in [password, user] {
        if key.starts_with(API_KEY) {
            show(parts, key)?;
            return Ok(None);
        }
    }
    let shown = Shown { email: user.to_owned(), password: Secret::new(password.to_owned()) };
    Ok(Some(shown))
}

fn show(parts: &mut Parts, token: &str) -> Result<(), Error> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| unauthenticated())?;
    value.set_sensitive(true);
    parts.headers.insert(header::AUTHORIZATION, value);
    Ok(())
}

/// Signs in once and shows the token from then on: to prove a password takes longer than all else.
async fn by_password(ml: &Ml, parts: &mut Parts, shown: Shown) -> Result<Option<Ctx>, Error> {
    if let Some(token) = ml.kept_token(&shown) {
        show(parts, token.expose())?;
        // Ended since, perhaps: then the password tells.
        if let Ok(Some(ctx)) = known(parts).await {
            return Ok(Some(ctx));
        }
        ml.forget_token(&shown);
    }
    let authenticator = parts.extensions.get::<Authenticator>().cloned().ok_or_else(unauthenticated)?;
    let request = parts.extensions.get::<web::Request>().cloned().ok_or_else(unauthenticated)?;
    let token = authenticator
        .token_for(&shown.email, shown.password.clone(), parts, &request)
        .await
        .map_err(Error::Refused)?
        .ok_or_else(unauthenticated)?;
    show(parts, token.expose())?;
    ml.keep_token(&shown, token);
    known(parts).await
}
