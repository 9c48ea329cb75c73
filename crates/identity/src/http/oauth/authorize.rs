use axum::{
    extract::State,
    response::{Html, IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, Uri, header, request::Parts};
use kernel::Problem;
use serde::Deserialize;
use utoipa::IntoParams;

use super::form::Form;
use crate::{
    error::Error,
    http::authenticate::{Known, Visitor},
    model::oauth::OAuthError,
    service::{Authorization, AuthorizeQuery, Identity},
};

/// As RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 8707 §2 and OpenID Connect Core §3.1.2.1 have them.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the description of the API only")]
pub(super) struct AuthorizeParameters {
    client_id: String,
    redirect_uri: String,
    /// `code`.
    response_type: String,
    code_challenge: String,
    /// `S256`.
    code_challenge_method: String,
    /// With spaces between.
    scope: Option<String>,
    state: Option<String>,
    nonce: Option<String>,
    /// This server's address.
    resource: Option<String>,
    /// `none`, or any of `login`, `consent`, `select_account`.
    prompt: Option<String>,
    /// Seconds since the user last showed who they are.
    max_age: Option<u32>,
}

/// Ask a user to let a client in
///
/// For browsers. Sends them to the sign-in page, to the page that asks, or back to the client with a code.
#[utoipa::path(get, path = "/oauth/authorize", tag = "oauth", operation_id = "oauth_authorize", security(()),
    params(AuthorizeParameters),
    responses((status = 303, description = "To the next step, or back to the client."),
        (status = 400, content_type = "text/html", description = "The client or its address is not proven.")))]
pub(super) async fn authorize(
    State(identity): State<Identity>,
    visitor: Visitor,
    parts: Parts,
) -> web::Result<Response> {
    let text = parts.uri.query().unwrap_or("");
    if text.len() > QUERY_BYTES_MAX {
        return Ok(refused("the request is too long"));
    }
    let form = Form::parse(text.as_bytes());
    let query = read(&form);
    // A cookie that does not count is a browser that is not signed in.
    let known = match identity.resolve(&parts, &visitor.request).await {
        // The console shows how to set one up; the client may send the browser again then.
        Err(Error::SecondFactorNeeded) => return see_other("/"),
        other => other.ok().flatten(),
    };
    let signed = match &known {
        Some(Known::Session(signed)) if signed.signed_in.session.is_own() => {
            Some((&signed.ctx, &*signed.signed_in))
        }
        _ => None,
    };
    let next = identity.authorize(&visitor.visit, &query, signed).await?;
    Ok(match next {
        Authorization::Refused(why) => refused(why),
        Authorization::Back(uri) => see_other(&uri)?,
        Authorization::Ask(id) => see_other(&format!("/consent?request={id}"))?,
        Authorization::SignIn { anew } => {
            let query = if anew { form.signing_in_anew() } else { text.to_owned() };
            let back = format!("/oauth/authorize?{query}");
            let next: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
            see_other(&format!("/login?next={next}"))?
        }
    })
}

/// Ask a user to let a client in, by a form
#[utoipa::path(post, path = "/oauth/authorize", tag = "oauth", operation_id = "oauth_authorize_form", security(()),
    request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "To the same by GET, which brings the cookies along."),
        (status = 400, body = Object, content_type = "application/json", description = "No such form (RFC 6749 §5.2).")))]
pub(super) async fn authorize_form(form: Form) -> web::Result<Response> {
    see_other(&format!("/oauth/authorize?{}", form.text()))
}

/// More than a browser's address line is good for.
const QUERY_BYTES_MAX: usize = 8_000;

const PARAMETERS: [&str; 12] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "request",
];

fn read(form: &Form) -> AuthorizeQuery {
    let doubled = PARAMETERS.into_iter().find(|name| form.one(name).is_err());
    let text = |name| form.one(name).ok().flatten().map(str::to_owned);
    let words = |name| form.words(name).unwrap_or_default();
    AuthorizeQuery {
        client_id: text("client_id"),
        redirect_uri: text("redirect_uri"),
        response_type: text("response_type"),
        response_mode: text("response_mode"),
        scopes: words("scope"),
        state: text("state"),
        nonce: text("nonce"),
        code_challenge: text("code_challenge"),
        code_challenge_method: text("code_challenge_method"),
        resources: form.all("resource"),
        prompt: words("prompt"),
        max_age: text("max_age"),
        has_request_object: text("request").is_some() || !form.all("request_uri").is_empty(),
        doubled: doubled.map(str::to_owned),
    }
}

pub(super) fn see_other(uri: &str) -> web::Result<Response> {
    let place = HeaderValue::from_str(uri)
        .map_err(|_| Problem::bad_request("identity.invalid", "the address cannot be sent to"))?;
    let headers = [
        (header::LOCATION, place),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // The query may hold a code: it is for the next page alone.
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// For people: nobody can be sent anywhere.
pub(super) fn refused(why: &str) -> Response {
    page(
        StatusCode::BAD_REQUEST,
        &format!(
            "<h1>This application cannot be let in</h1><p>Its request is wrong: {why}. Tell who runs it.</p>\
             <h1 lang=\"fr\">Cette application ne peut pas être autorisée</h1>\
             <p lang=\"fr\">Sa demande est erronée. Prévenez la personne qui l’exploite.</p>"
        ),
    )
}

/// A page without scripts. What stands in `body` is ours or escaped.
pub(super) fn page(status: StatusCode, body: &str) -> Response {
    let text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\">\
         <title>Socle</title></head><body><main>{body}</main></body></html>\n"
    );
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, no_store, Html(text)).into_response()
}

/// So that handlers can be given the pieces of a request without its body.
pub(super) fn query(uri: &Uri) -> Result<Form, OAuthError> {
    let text = uri.query().unwrap_or("");
    if text.len() > QUERY_BYTES_MAX {
        return Err(OAuthError::invalid_request("the request is too long"));
    }
    Ok(Form::parse(text.as_bytes()))
}
