use axum::response::AppendHeaders;
use http::{HeaderMap, HeaderName, Method, header, request::Parts};

use crate::{
    error::Error,
    service::{BrowserSession, Identity, TRIP_TTL_S},
};

/// Proves the session; out of reach of scripts.
const SESSION: &str = "socle_session";
/// The CSRF token, which the page's script sends back in [`CSRF_HEADER`].
const CSRF: &str = "socle_csrf";
const CSRF_HEADER: &str = "x-csrf-token";

/// What was asked of another OpenID provider, sealed.
const TRIP: &str = "socle_provider";
/// Where that goes back to.
const TRIP_PATH: &str = "/api/v1/auth/providers";

/// Two cookies on their way to the browser.
pub(super) type SetCookies = AppendHeaders<[(HeaderName, String); 2]>;

/// The session cookie's value, if the browser sent one.
pub(super) fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, SESSION)
}

/// What a browser that comes back from a provider was sent for.
pub(super) fn trip_cookie(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, TRIP)
}

fn cookie<'h>(headers: &'h HeaderMap, wanted: &str) -> Option<&'h str> {
    let pairs = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    pairs
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == wanted).then_some(value))
}

/// The cookies of a browser session.
pub(super) fn given(identity: &Identity, session: &BrowserSession, request: &web::Request) -> SetCookies {
    let seconds = identity.config().session_max_s;
    both(identity, request, &session.cookie.text(), &identity.csrf(session.id), seconds)
}

/// Takes both cookies back.
pub(super) fn taken_back(identity: &Identity, request: &web::Request) -> SetCookies {
    both(identity, request, "", "", 0)
}

/// The cookie of a trip to a provider; an empty value takes it back. `Lax`, since the provider's page sends the browser here.
pub(super) fn trip(identity: &Identity, value: &str, request: &web::Request) -> String {
    let seconds = if value.is_empty() { 0 } else { TRIP_TTL_S };
    let secure = secure(identity, request);
    format!("{TRIP}={value}; Path={TRIP_PATH}; Max-Age={seconds}; SameSite=Lax; HttpOnly{secure}")
}

fn secure(identity: &Identity, request: &web::Request) -> &'static str {
    let https = |url: &str| url.starts_with("https://");
    let secure = identity.config().cookie_secure
        || https(identity.public_url())
        || request.host.as_deref().is_some_and(https);
    if secure { "; Secure" } else { "" }
}

fn both(identity: &Identity, request: &web::Request, session: &str, csrf: &str, seconds: u32) -> SetCookies {
    let secure = secure(identity, request);
    // The values are base64url, which needs no quoting (RFC 6265 §4.1.1).
    let cookie =
        |name, value, more| format!("{name}={value}; Path=/; Max-Age={seconds}; SameSite=Lax{more}{secure}");
    AppendHeaders([
        (header::SET_COOKIE, cookie(SESSION, session, "; HttpOnly")),
        (header::SET_COOKIE, cookie(CSRF, csrf, "")),
    ])
}

/// What a cookie alone does not prove: that our own page sent the request. Unsafe methods need the session's CSRF token,
/// and they and WebSockets (which carry cookies from any page) no foreign `Origin`.
pub(super) fn check_own_page(
    identity: &Identity,
    parts: &Parts,
    request: &web::Request,
    session: kernel::SessionId,
) -> Result<(), Error> {
    let changes = !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if changes || parts.headers.contains_key(header::UPGRADE) {
        check_origin(identity, &parts.headers, request)?;
    }
    let shown = parts.headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok());
    if !changes || shown.is_some_and(|shown| identity.csrf_fits(session, shown)) {
        Ok(())
    } else {
        Err(Error::Csrf)
    }
}

/// Browsers say where a page comes from; programs say nothing, and hold no cookie that they did not ask for.
pub(super) fn check_origin(
    identity: &Identity,
    headers: &HeaderMap,
    request: &web::Request,
) -> Result<(), Error> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().map_err(|_| Error::ForeignOrigin)?;
    // By host and port: a proxy in front may speak https where we see http.
    let ours = |url: &str| match (authority(url), authority(origin)) {
        (Some(ours), Some(theirs)) => ours.eq_ignore_ascii_case(theirs),
        _ => false,
    };
    let trusted = request.host.as_deref().is_some_and(ours)
        || ours(identity.public_url())
        || identity.config().trusted_origins.iter().any(|trusted| trusted.trim_end_matches('/') == origin);
    if trusted { Ok(()) } else { Err(Error::ForeignOrigin) }
}

/// Host and port of an http or https URL.
fn authority(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    rest.split('/').next().filter(|authority| !authority.is_empty())
}
