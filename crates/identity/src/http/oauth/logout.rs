use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header, request::Parts};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    authorize::{page, query, refused, see_other},
    error::OAuthErrorBody,
    form::Form,
};
use crate::{
    http::{
        authenticate::{Known, Signed, Visitor},
        cookies,
    },
    model::oauth::OAuthError,
    service::{Identity, LogoutQuery, LogoutStep},
};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the description of the API only")]
pub(super) struct LogoutParameters {
    id_token_hint: Option<String>,
    client_id: Option<String>,
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
}

/// Log the browser's user out (OpenID Connect RP-Initiated Logout)
///
/// At once where `id_token_hint` is an ID token of the same user; else the user is asked.
#[utoipa::path(get, path = "/oauth/logout", tag = "oauth", operation_id = "oauth_logout", security(()),
    params(LogoutParameters),
    responses((status = 200, content_type = "text/html", description = "The user is asked."),
        (status = 303, description = "Logged out; on to where the client wants."),
        (status = 400, content_type = "text/html", description = "The client or its address is not proven.")))]
pub(super) async fn logout(
    State(identity): State<Identity>,
    visitor: Visitor,
    parts: Parts,
) -> web::Result<Response> {
    let Ok(form) = query(&parts.uri) else { return Ok(refused("the request is too long")) };
    let signed = browser(&identity, &visitor, &parts).await;
    step(&identity, &visitor, &form, signed, false).await
}

/// The same by a form, and the user's own yes
#[utoipa::path(post, path = "/oauth/logout", tag = "oauth", operation_id = "oauth_logout_form", security(()),
    request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Logged out; on to where the client wants."),
        (status = 400, description = "The client or its address is not proven; or there is no such form (RFC 6749 §5.2).",
            content((String = "text/html"), (OAuthErrorBody = "application/json")))))]
pub(super) async fn logout_form(
    State(identity): State<Identity>,
    visitor: Visitor,
    parts: Parts,
    form: Form,
) -> web::Result<Response> {
    let signed = browser(&identity, &visitor, &parts).await;
    // Only our own page knows the session's token.
    let said_yes = match (&signed, form.one("csrf_token")) {
        (Some(signed), Ok(Some(shown))) => identity.csrf_fits(signed.signed_in.session.id, shown),
        _ => false,
    };
    step(&identity, &visitor, &form, signed, said_yes).await
}

/// Who is signed in, by the cookie alone: what a log-out by another site's form needs is looked at further on.
async fn browser(identity: &Identity, visitor: &Visitor, parts: &Parts) -> Option<Signed> {
    let mut parts = parts.clone();
    parts.method = http::Method::GET;
    match identity.resolve(&parts, &visitor.request).await {
        Ok(Some(Known::Session(signed))) if signed.signed_in.session.is_own() => Some(signed),
        _ => None,
    }
}

async fn step(
    identity: &Identity,
    visitor: &Visitor,
    form: &Form,
    signed: Option<Signed>,
    said_yes: bool,
) -> web::Result<Response> {
    let query = match read(form) {
        Ok(query) => query,
        Err(_) => return Ok(refused("a parameter is there twice")),
    };
    let caller = signed.as_ref().map(|signed| (&signed.ctx, &*signed.signed_in));
    let redirect = match identity.logout_step(&visitor.visit, &query, caller).await? {
        LogoutStep::Refused(why) => return Ok(refused(why)),
        LogoutStep::Done { redirect } => redirect,
        LogoutStep::Ask { redirect } => match &signed {
            Some(signed) if said_yes => {
                identity.sign_out(&signed.ctx, signed.signed_in.session.id).await?;
                redirect
            }
            Some(signed) => {
                let csrf = identity.csrf(signed.signed_in.session.id);
                return Ok(ask(&query, redirect.as_deref(), &csrf));
            }
            None => redirect,
        },
    };
    let onward = see_other(redirect.as_deref().unwrap_or("/login"))?;
    Ok((cookies::taken_back(identity, &visitor.request), onward).into_response())
}

fn read(form: &Form) -> Result<LogoutQuery, OAuthError> {
    let text = |name| Ok::<_, OAuthError>(form.one(name)?.map(str::to_owned));
    Ok(LogoutQuery {
        id_token_hint: text("id_token_hint")?,
        client_id: text("client_id")?,
        redirect_uri: text("post_logout_redirect_uri")?,
        state: text("state")?,
    })
}

/// A form that only the user can send.
fn ask(query: &LogoutQuery, redirect: Option<&str>, csrf: &str) -> Response {
    let hidden = |name: &str, value: Option<&String>| {
        value.map_or_else(String::new, |value| {
            format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escaped(value))
        })
    };
    let mut response = page(
        StatusCode::OK,
        &format!(
            "<h1>Sign out of Socle?</h1><h1 lang=\"fr\">Se déconnecter de Socle ?</h1>\
             <form method=\"post\" action=\"/oauth/logout\">{}{}{}<input type=\"hidden\" name=\"csrf_token\" value=\"{}\">\
             <button>Sign out · <span lang=\"fr\">Se déconnecter</span></button></form><p><a href=\"/\">Socle</a></p>",
            hidden("client_id", query.client_id.as_ref()),
            hidden("post_logout_redirect_uri", query.redirect_uri.as_ref()),
            hidden("state", query.state.as_ref()),
            escaped(csrf)
        ),
    );
    // Browsers hold `form-action` against where the form's answer leads, too.
    let onward = redirect.and_then(|uri| url::Url::parse(uri).ok()).map_or_else(String::new, |url| match url
        .origin()
    {
        url::Origin::Tuple(..) => format!(" {}", url.origin().ascii_serialization()),
        url::Origin::Opaque(_) => format!(" {}:", url.scheme()),
    });
    let policy =
        format!("default-src 'none'; form-action 'self'{onward}; base-uri 'none'; frame-ancestors 'none'");
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
