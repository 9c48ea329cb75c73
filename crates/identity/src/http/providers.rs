use axum::{
    extract::State,
    response::{AppendHeaders, IntoResponse as _, Redirect, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use utoipa::IntoParams;
use web::{Path, Query};

use super::{
    authenticate::{Signed, Visitor},
    cookies,
};
use crate::{
    error::Error,
    service::{Arrival, Identity, Returned, Stranded},
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StartQuery {
    /// Where to go then: a path of this server.
    next: Option<String>,
    /// Link the account there to the one that is signed in here.
    link: Option<bool>,
}

/// Sign a browser in through another OpenID provider
///
/// A page goes here by a link. With `link=true`, from our own page and soon after a sign-in, the account there is linked to the
/// one that is signed in.
#[utoipa::path(get, path = "/api/v1/auth/providers/{id}/start", tag = "auth", operation_id = "begin_provider_sign_in",
    security(()), params(("id" = String, Path), StartQuery),
    responses((status = 303, description = "To the provider, or back with `error=`.")))]
pub(super) async fn start(
    State(identity): State<Identity>,
    visitor: Visitor,
    headers: HeaderMap,
    signed: Result<Signed, web::Error>,
    Path(id): Path<String>,
    Query(query): Query<StartQuery>,
) -> web::Result<Response> {
    let signed_in = if query.link == Some(true) {
        // Another site's page must not get its own account there linked to the one that is signed in here.
        if headers.get("sec-fetch-site").is_none_or(|site| site != "same-origin") {
            return Err(Error::ForeignOrigin.into());
        }
        Some(signed?.signed_in)
    } else {
        None
    };
    let next = query.next.as_deref();
    match identity.begin_provider(&visitor.visit, &id, next, signed_in.as_deref()).await {
        Ok(departure) => {
            let cookie = cookies::trip(&identity, &departure.cookie, &visitor.request);
            let headers = AppendHeaders([(header::SET_COOKIE, cookie)]);
            Ok((headers, Redirect::to(&departure.url)).into_response())
        }
        Err(error) => {
            Ok(stranded(Stranded { error, was_link: signed_in.is_some(), next: None })?.into_response())
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CallbackQuery {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// Come back from another OpenID provider
///
/// On to where the sign-in began from, with the session's cookies; to `/login?error=…`; or, where a second factor is needed, to
/// `/login#second-factor={challenge}&methods=…&expires_in=…`.
#[utoipa::path(get, path = "/api/v1/auth/providers/{id}/callback", tag = "auth", operation_id = "end_provider_sign_in",
    security(()), params(("id" = String, Path), CallbackQuery),
    responses((status = 303, description = "Signed in, or not: see above.")))]
pub(super) async fn callback(
    State(identity): State<Identity>,
    visitor: Visitor,
    headers: HeaderMap,
    signed: Result<Signed, web::Error>,
    Path(id): Path<String>,
    axum::extract::Query(query): axum::extract::Query<CallbackQuery>,
) -> web::Result<Response> {
    let CallbackQuery { code, state, error, iss } = query;
    let returned = Returned { code, state, error, iss };
    let cookie = cookies::trip_cookie(&headers);
    let signed_in = signed.ok().map(|signed| signed.signed_in);
    let arrived =
        identity.return_from_provider(&visitor.visit, &id, returned, cookie, signed_in.as_deref()).await;
    let over = AppendHeaders([(header::SET_COOKIE, cookies::trip(&identity, "", &visitor.request))]);
    let go = |next: Option<String>, usual: &str| Redirect::to(next.as_deref().unwrap_or(usual));
    Ok(match arrived {
        Ok(Arrival::SignedIn { session, next }) => {
            let cookies = cookies::given(&identity, &session, &visitor.request);
            (over, cookies, go(next, "/dashboard")).into_response()
        }
        Ok(Arrival::Linked { next }) => (over, go(next, "/account/security")).into_response(),
        Err(away) => (over, stranded(away)?).into_response(),
    })
}

/// Back to the page that they came from, with what went wrong.
fn stranded(away: Stranded) -> web::Result<Redirect> {
    let Stranded { error, was_link, next } = away;
    let code = match &error {
        Error::SecondFactorRequired { challenge, methods, expires_in_s } => {
            // Behind the hash: no server and no log gets to see it.
            let mut fields = url::form_urlencoded::Serializer::new(String::new());
            fields.append_pair("second-factor", challenge.expose());
            fields.append_pair("methods", &methods.join(","));
            fields.append_pair("expires_in", &expires_in_s.to_string());
            if let Some(next) = &next {
                fields.append_pair("next", next);
            }
            return Ok(Redirect::to(&format!("/login#{}", fields.finish())));
        }
        Error::ProviderState => "provider-state",
        Error::ProviderRefused => "provider-refused",
        Error::ProviderFailed => "provider-failed",
        Error::ProviderUnverified => "provider-unverified",
        Error::ProviderNoAccount | Error::BadCredentials | Error::NoWorkspace => "provider-no-account",
        Error::ProviderTaken => "provider-taken",
        Error::ConfirmFirst => "confirm-first",
        Error::TooManyAttempts { .. } => "too-many",
        _ => return Err(error.into()),
    };
    let page = if was_link { "/account/security" } else { "/login" };
    Ok(Redirect::to(&format!("{page}?error={code}")))
}

/// Unlink an account elsewhere
#[utoipa::path(delete, path = "/api/v1/auth/providers/{id}", tag = "security", operation_id = "unlink_provider",
    params(("id" = String, Path)),
    responses((status = 204, description = "It signs nobody in here any more."),
        (status = 403, description = "Show again who you are first (`identity.confirm-first`)."),
        (status = 409, description = "It is the last way into the account.")))]
pub(super) async fn unlink(
    State(identity): State<Identity>,
    visitor: Visitor,
    signed: Signed,
    Path(id): Path<String>,
) -> web::Result<StatusCode> {
    identity.unlink_provider(&signed.ctx, &visitor.visit, &signed.signed_in, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
