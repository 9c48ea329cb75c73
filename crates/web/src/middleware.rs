//! What every request passes, outermost first: path rewrite, request id and log line, panic guard, time limit, security
//! headers, size limit. Applied once, to the whole router, by [`apply`].

use std::{
    any::Any,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, DefaultBodyLimit, MatchedPath, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use kernel::{Clock, Locale, Problem, RequestId, ToProblem, TraceParent};
use tower::{Layer, ServiceBuilder, util::MapRequestLayer};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    cors::{AllowOrigin, CorsLayer},
};
use tracing::Instrument;

use crate::{Authenticator, Rewrite, address, drain::Rest, error, patience};

/// What the middleware needs to know.
#[derive(Clone)]
pub struct Settings {
    pub clock: Arc<dyn Clock>,
    pub authenticator: Authenticator,
    pub rewrite: Rewrite,
    /// The language of callers that do not say theirs.
    pub default_locale: Arc<dyn Fn() -> Locale + Send + Sync>,
    /// Addresses whose `X-Forwarded-For` and `X-Forwarded-Proto` count.
    pub trusted_proxies: Arc<[IpAddr]>,
    /// Origins that may call from another site's page; none by default.
    pub cors_origins: Vec<HeaderValue>,
    /// `scheme://host:port` under which people reach this server: where a 401 sends programs to learn how to sign in.
    pub public_url: Arc<str>,
    /// JSON bodies at most, in bytes; upload routes set their own.
    pub body_bytes_max: usize,
    /// Time to the first byte of an answer; streams may go on after it. Of uploads that say so ([`crate::Patience`]) the time
    /// from the last piece that came.
    pub timeout: Duration,
    /// Routes on which a GET waits for news by design. They end it themselves: it has no time limit, and how long it took
    /// is no latency.
    pub long_polls: &'static [&'static str],
}

fn is_long_poll(routes: &[&str], request: &axum::extract::Request) -> bool {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    request.method() == Method::GET && routes.contains(&route)
}

/// The finished service around all routes.
pub fn apply(routes: Router, settings: Settings) -> Router {
    // A wildcard is for development; credentials are never allowed across origins, so it gives nobody's cookies away.
    let origins = if settings.cors_origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        let listed = settings.cors_origins.clone();
        AllowOrigin::predicate(move |origin, parts| {
            listed.contains(origin) || is_for_every_origin(parts.uri.path())
        })
    };
    let cors = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("api-version"),
        ])
        .expose_headers([
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("api-version"),
            header::RETRY_AFTER,
            HeaderName::from_static("ratelimit"),
            HeaderName::from_static("ratelimit-policy"),
            header::WWW_AUTHENTICATE,
        ]);
    let routed = routes.layer(DefaultBodyLimit::max(settings.body_bytes_max)).layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(settings.clone(), observe))
            .layer(cors)
            .layer(CompressionLayer::new().gzip(true).compress_when(compressible()))
            .layer(from_fn_with_state((settings.timeout, settings.long_polls), limit_time))
            .layer(CatchPanicLayer::custom(panicked)),
    );
    // Rewriting must come before routing, so it wraps the router as a whole.
    let rewrite = settings.rewrite;
    let rewritten = MapRequestLayer::new(move |mut request: axum::extract::Request| {
        match rewrite.apply(request.uri(), request.headers()) {
            Ok(Some(uri)) => {
                if rewrite.is_older(request.uri().path()) {
                    request.extensions_mut().insert(OlderPath);
                }
                *request.uri_mut() = uri;
            }
            Ok(None) => {}
            Err(problem) => {
                request.extensions_mut().insert(RefusedPath(problem));
            }
        }
        request
    })
    .layer(routed);
    Router::new().fallback_service(rewritten)
}

/// What the OpenID and OAuth standards want public clients in browsers to reach from any page; none of it looks at cookies.
fn is_for_every_origin(path: &str) -> bool {
    const PATHS: [&str; 6] = [
        "/oauth/token",
        "/oauth/userinfo",
        "/oauth/revoke",
        "/oauth/register",
        "/oauth/device_authorization",
        "/oauth/introspect",
    ];
    path.starts_with("/.well-known/") || PATHS.contains(&path)
}

/// RFC 6750 §3, and RFC 9728 §5.1: where to learn how to get a token that counts.
fn challenge(public_url: &str, shown: bool) -> Option<HeaderValue> {
    let invalid = if shown { "error=\"invalid_token\", " } else { "" };
    let place = format!("{public_url}/.well-known/oauth-protected-resource");
    HeaderValue::from_str(&format!("Bearer {invalid}resource_metadata=\"{place}\"")).ok()
}

/// In the extensions of a request that came by an older path.
#[derive(Debug, Clone, Copy)]
pub struct OlderPath;

/// A path that could not be rewritten; answered where bodies are written.
#[derive(Clone)]
struct RefusedPath(Problem);

/// Small JSON and text gain; pictures, video, event streams and WebSockets do not.
fn compressible() -> impl tower_http::compression::Predicate {
    use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
    SizeAbove::new(1024)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::SSE)
        .and(NotForContentType::const_new("video/"))
        .and(NotForContentType::const_new("multipart/"))
        .and(NotForContentType::const_new("application/octet-stream"))
}

async fn limit_time(
    State((limit, long_polls)): State<(Duration, &'static [&'static str])>,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    if is_long_poll(long_polls, &request) {
        return next.run(request).await;
    }
    patience::within(limit, request, |request| next.run(request)).await
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that CatchPanicLayer asks for")]
fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response {
    let message = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(message, "a handler panicked");
    metrics::counter!("http_panics_total").increment(1);
    let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
    response.extensions_mut().insert(Problem::internal());
    response
}

/// Gives the request its id, time, language and address; writes problem bodies, common headers, metrics and the log line.
async fn observe(
    State(settings): State<Settings>,
    mut request: axum::extract::Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let now = settings.clock.now();
    let headers = request.headers();
    let id = header_text(headers, "x-request-id")
        .and_then(RequestId::parse)
        .unwrap_or_else(|| RequestId::new(now));
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let trusted = peer.is_some_and(|peer| address::is_among(&settings.trusted_proxies, peer));
    let origin = peer.map(|peer| address::caller(headers, peer, &settings.trusted_proxies));
    let known = crate::Request {
        id: id.clone(),
        now,
        locale: header_text(headers, "accept-language")
            .and_then(Locale::parse)
            .unwrap_or_else(|| (settings.default_locale)()),
        address: origin.map(|(address, _)| address),
        address_is_own: origin.is_some_and(|(_, is_own)| is_own),
        host: header_text(headers, "host").map(|host| {
            let secure = trusted && header_text(headers, "x-forwarded-proto") == Some("https");
            format!("{}://{host}", if secure { "https" } else { "http" })
        }),
    };
    let is_long_poll = is_long_poll(settings.long_polls, &request);
    let shows_token = request.headers().contains_key(header::AUTHORIZATION);
    let method = request.method().clone();
    let method_label = label(&method);
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!(
        "request",
        request.id = %id,
        http.method = %method,
        http.route = route,
        trace.id = tracing::field::Empty,
        user.id = tracing::field::Empty,
        workspace.id = tracing::field::Empty,
        otel.name = tracing::field::Empty,
        otel.kind = tracing::field::Empty,
        http.response.status_code = tracing::field::Empty,
    );
    let trace_parent = trace_parent(headers);
    if let Some(parent) = &trace_parent {
        telemetry::trace::continue_from(&span, parent);
    }
    telemetry::trace::name(&span, "server", || format!("{method_label} {route}"));
    if let Some(trace) = telemetry::trace::of(&span).as_ref().or(trace_parent.as_ref()) {
        span.record("trace.id", trace.trace_id_text());
    }
    let scope = telemetry::trace::Scope { request_id: Some(id.clone()), trace_parent };
    let refused = request.extensions_mut().remove::<RefusedPath>();
    request.extensions_mut().insert(known);
    request.extensions_mut().insert(settings.authenticator.clone());

    let mut response = match refused {
        Some(RefusedPath(problem)) => crate::Error::from(problem).into_response(),
        None => telemetry::trace::within(scope, answer(request, next).instrument(span.clone())).await,
    };
    if let Some(problem) = problem_of(&mut response, &method) {
        let mut written = error::render(&problem, id.as_str(), now);
        // What a layer added stays (CORS, Allow); what described the empty body goes.
        for (name, value) in response.headers() {
            if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH | header::CONTENT_ENCODING)
                && !written.headers().contains_key(name)
            {
                written.headers_mut().append(name, value.clone());
            }
        }
        response = written;
    }
    if response.headers().get(header::WWW_AUTHENTICATE).is_some_and(|value| value == "Bearer")
        && let Some(challenge) = challenge(&settings.public_url, shows_token)
    {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    let status = response.status();
    let headers = response.headers_mut();
    headers.insert("api-version", HeaderValue::from_static("1"));
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        headers.insert("x-request-id", value);
    }
    secure(headers);

    if telemetry::trace::is_on() {
        // The log line has it by itself.
        span.record("http.response.status_code", status.as_u16());
    }
    let elapsed = started.elapsed();
    let labels =
        [("method", method_label.to_owned()), ("route", route), ("status", status.as_u16().to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    if !is_long_poll {
        metrics::histogram!("http_request_duration_seconds", &labels[..2]).record(elapsed.as_secs_f64());
    }
    let elapsed_ms = elapsed.as_millis();
    // What changes something or fails is worth a line; reads that went well are many and alike.
    span.in_scope(|| {
        if method.is_safe() && status.as_u16() < 400 {
            tracing::debug!(status = status.as_u16(), elapsed_ms, "answered");
        } else {
            tracing::info!(status = status.as_u16(), elapsed_ms, "answered");
        }
    });
    response
}

/// What the caller says of its trace: exactly one `traceparent`, and all `tracestate`s together (W3C Trace Context).
fn trace_parent(headers: &HeaderMap) -> Option<TraceParent> {
    let mut given = headers.get_all("traceparent").iter();
    let (first, None) = (given.next()?, given.next()) else { return None };
    let parent: TraceParent = first.to_str().ok()?.trim().parse().ok()?;
    let states: Vec<_> =
        headers.get_all("tracestate").iter().filter_map(|value| value.to_str().ok()).collect();
    Some(parent.with_state(&states.join(",")))
}

/// Runs the rest of the way; a large body that was refused is read to its end, so that the client hears the answer.
async fn answer(request: axum::extract::Request, next: Next) -> Response {
    let length = header_text(request.headers(), "content-length").and_then(|text| text.parse::<u64>().ok());
    let is_large =
        length.map_or(request.headers().contains_key(header::TRANSFER_ENCODING), |length| length > 16 * 1024);
    if !is_large {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let (body, rest) = Rest::split(body);
    let response = next.run(axum::extract::Request::from_parts(parts, body)).await;
    if response.status().is_client_error() {
        rest.drain();
    }
    response
}

/// The problem that a handler or layer left in the response; a bare 4xx or 5xx of axum's own becomes one.
fn problem_of(response: &mut Response<Body>, method: &Method) -> Option<Problem> {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        return Some(problem);
    }
    let status = response.status();
    let bare = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if status.as_u16() < 400 || !bare {
        return None;
    }
    Some(match status.as_u16() {
        404 => Problem::not_found("not-found", "nothing answers at this path"),
        405 => Problem::new(405, "method-not-allowed", format!("this path does not take {method}")),
        413 => Problem::too_large("body-too-large", "the body is larger than this route takes"),
        code => {
            let problem = Problem::new(code, "refused", "");
            let title = problem.title().to_lowercase();
            Problem { detail: title, ..problem }
        }
    })
}

/// What metrics and traces call a method. Callers may make up their own, and each would be a series for ever.
fn label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "CONNECT" => "CONNECT",
        "TRACE" => "TRACE",
        _ => "OTHER",
    }
}

fn header_text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// The OWASP set of headers. `style-src` allows hashes only through CSSOM, so no `unsafe-inline` is needed.
fn secure(headers: &mut HeaderMap) {
    const SET: [(HeaderName, &str); 6] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self' ws: wss:; \
             worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ];
    for (name, value) in SET {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// The same body for problems that are answered outside a request's middleware, such as a refused WebSocket.
pub fn problem_response(error: &impl ToProblem, id: &RequestId, now: kernel::Timestamp) -> Response {
    error::render(&error.problem(), id.as_str(), now)
}
