use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderValue, header},
    middleware::from_fn_with_state,
    response::IntoResponse as _,
    routing::get,
};
use jobs::Handlers;
use kernel::Secret;
use realtime::{RoomGuard, Socket};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, OpenApiVersion};
use web::{Alias, Authenticator, OpenApiRouter, Rewrite, middleware::Settings};

use crate::{Parts, Platform, Service, idempotency, installation, limiting};

/// Section `[http]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Proxies in front of Socle: only from these do `X-Forwarded-For` and `X-Forwarded-Proto` count. Default none.
    pub trusted_proxies: Vec<IpAddr>,
    /// Origins (`https://app.example.org`) whose pages may call the API from a browser; `*` for all, which production
    /// mode refuses. Default none.
    pub cors_origins: Vec<String>,
    /// Largest JSON body, in bytes. Default 1048576; uploads have limits of their own.
    pub body_bytes_max: usize,
    /// Time to the first byte of an answer, in seconds; while a large file comes in, from the last piece of it. Default 30.
    pub timeout_s: u64,
    /// Time for the head of a request, in seconds; also how long an idle connection is kept. Default 30.
    pub header_timeout_s: u64,
    /// Who reads `/metrics` must show this as a bearer token; 16 characters or more. Empty (the default): anybody who
    /// reaches the port.
    pub metrics_token: Secret<String>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            body_bytes_max: 1024 * 1024,
            timeout_s: 30,
            header_timeout_s: 30,
            metrics_token: Secret::default(),
        }
    }
}

impl HttpConfig {
    /// Faults as `(setting, reason)`.
    pub fn validate(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        for origin in &self.cors_origins {
            let plain = origin.starts_with("http://") || origin.starts_with("https://");
            if origin == "*" {
                continue;
            }
            if !plain || origin.matches('/').count() != 2 || HeaderValue::from_str(origin).is_err() {
                faults.push((
                    "http.cors_origins",
                    format!("{origin:?} is not an origin like https://app.example.org"),
                ));
            }
        }
        if !(1024..=64 * 1024 * 1024).contains(&self.body_bytes_max) {
            faults.push(("http.body_bytes_max", "must be from 1024 to 67108864".to_owned()));
        }
        if !(1..=600).contains(&self.timeout_s) {
            faults.push(("http.timeout_s", "must be from 1 to 600".to_owned()));
        }
        if (1..16).contains(&self.metrics_token.expose().len()) {
            faults.push(("http.metrics_token", "must have 16 characters or more, or none".to_owned()));
        }
        if !(1..=600).contains(&self.header_timeout_s) {
            faults.push(("http.header_timeout_s", "must be from 1 to 600".to_owned()));
        }
        faults
    }
}

/// All modules as one server.
pub struct Assembled {
    pub router: Router,
    pub openapi: OpenApi,
    pub handlers: Handlers,
    pub services: Vec<Service>,
}

/// Puts the modules' parts behind one router. `pages` answers what no route takes: the console.
pub fn assemble(
    platform: &Platform,
    http: &HttpConfig,
    authenticator: Authenticator,
    parts: Vec<Parts>,
    aliases: Vec<Alias>,
    pages: Router,
) -> Assembled {
    let mut routes = OpenApiRouter::with_openapi(description());
    let mut handlers = Handlers::new();
    let mut schedules = Vec::new();
    let mut services = Vec::new();
    let mut guards: Vec<RoomGuard> = RoomGuard::built_in().into();
    for part in parts {
        routes = routes.merge(part.routes);
        handlers = handlers.merge(part.jobs);
        schedules.extend(part.schedules);
        services.extend(part.services);
        guards.extend(part.rooms);
    }
    platform.jobs.declare(schedules);
    let spawner = &platform.spawner;
    let socket = Socket::new(platform.events.clone(), guards, spawner.token(), spawner.tracker());
    let timeout = Duration::from_secs(http.timeout_s);
    let socket_io = realtime::socket_io_routes(&socket, timeout);
    let (router, openapi) = routes.merge(realtime::routes(socket)).split_for_parts();
    let openapi = web::openapi::finish(openapi);
    let text: Arc<str> = openapi.to_json().expect("plain data with text keys serializes").into();
    let router = router
        .route(
            "/openapi.json",
            get(move || async move {
                ([(header::CONTENT_TYPE, "application/json")], text.to_string()).into_response()
            }),
        )
        .merge(socket_io)
        .merge(pages)
        .layer(from_fn_with_state(idempotency::Replay::new(platform, timeout), idempotency::replay_layer))
        .layer(from_fn_with_state(limiting::Limiting::new(platform, &openapi), limiting::limit_layer));
    let settings = Settings {
        clock: platform.clock.clone(),
        authenticator,
        rewrite: Rewrite::new(aliases),
        default_locale: installation::default_locale(platform.settings.clone()),
        trusted_proxies: http.trusted_proxies.clone().into(),
        cors_origins: http
            .cors_origins
            .iter()
            .filter_map(|origin| HeaderValue::from_str(origin).ok())
            .collect(),
        public_url: platform.public_url.trim_end_matches('/').into(),
        body_bytes_max: http.body_bytes_max,
        timeout,
        long_polls: realtime::LONG_POLLS,
    };
    Assembled { router: web::middleware::apply(router, settings), openapi, handlers, services }
}

fn description() -> OpenApi {
    OpenApiBuilder::new()
        .openapi(OpenApiVersion::Version31)
        .info(
            InfoBuilder::new()
                .title("Socle")
                .version("1")
                .description(Some(
                    "The back-end of AI applications in one binary. Errors are RFC 9457 problem bodies; lists are \
                     pages (`page`, `page_size`) or feeds (`cursor`, `limit`); creating requests take an \
                     `Idempotency-Key`.",
                ))
                .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
                .build(),
        )
        .build()
}
