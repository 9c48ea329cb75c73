//! The rules of section `[limits]` around every request: who asks is found out once, here, and the handler finds it in
//! the request; a refused request never reaches it.

use std::{
    collections::HashMap,
    fmt::Write as _,
    net::IpAddr,
    sync::{Arc, Once},
};

use axum::{
    extract::{FromRequestParts as _, MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use db::Db;
use http::{HeaderName, HeaderValue, header, request::Parts};
use kernel::{Ctx, Problem};
use limits::{Call, Caller, Left, Limits, Rule, Verdict};
use serde_json::json;
use utoipa::openapi::OpenApi;
use web::{MaybeCaller, middleware::OlderPath};

use crate::{Audit, Directory, Platform, Spawner};

#[derive(Clone)]
pub(crate) struct Limiting {
    limits: Limits,
    directory: Directory,
    db: Db,
    spawner: Spawner,
    /// Groups of the API by method and path.
    tags: Arc<HashMap<(String, String), Vec<String>>>,
}

impl Limiting {
    pub(crate) fn new(platform: &Platform, openapi: &OpenApi) -> Self {
        let mut tags = HashMap::new();
        for (path, item) in &openapi.paths.paths {
            let operations = [
                ("GET", &item.get),
                ("POST", &item.post),
                ("PUT", &item.put),
                ("PATCH", &item.patch),
                ("DELETE", &item.delete),
            ];
            for (method, operation) in operations {
                if let Some(named) = operation.as_ref().and_then(|operation| operation.tags.clone()) {
                    tags.insert((method.to_owned(), path.clone()), named);
                }
            }
        }
        Self {
            limits: platform.limits.clone(),
            directory: platform.directory.clone(),
            db: platform.db.clone(),
            spawner: platform.spawner.clone(),
            tags: Arc::new(tags),
        }
    }

    /// The rules for this request, whoever sends it.
    fn possible(&self, parts: &Parts) -> Vec<&Rule> {
        let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let method = parts.method.as_str();
        let tags = self.tags.get(&(method.to_owned(), route.to_owned()));
        self.limits.applying(&Call {
            method,
            path: parts.uri.path(),
            is_older: parts.extensions.get::<OlderPath>().is_some(),
            tags: tags.map_or(&[], Vec::as_slice),
            is_signed_in: None,
        })
    }

    /// Once per caller, rule and window.
    fn note_abuse(&self, rule: &str, key: String, ctx: Option<Ctx>, request: web::Request) {
        let (limiting, rule) = (self.clone(), rule.to_owned());
        self.spawner.spawn("platform.note_abuse", async move {
            if !limiting.limits.is_abuse(&rule, &key).await {
                return;
            }
            tracing::warn!(limit.rule = rule, limit.key = key, "a caller keeps running into a limit");
            if let Err(error) = limiting.record_abuse(&rule, &key, ctx, request).await {
                tracing::warn!(%error, "abuse of a limit could not be recorded");
            }
        });
    }

    async fn record_abuse(
        &self,
        rule: &str,
        key: &str,
        ctx: Option<Ctx>,
        request: web::Request,
    ) -> db::Result<()> {
        let mut tx = self.db.begin().await?;
        let ctx = match ctx {
            Some(ctx) => ctx,
            None => {
                // Before the first run there is nobody to tell.
                let Some(first) = self.directory.find_workspace(&mut tx, None).await? else { return Ok(()) };
                Ctx { address: request.address, ..Ctx::system("limits", first, request.now) }
            }
        };
        let detail = json!({ "rule": rule, "key": key });
        self.directory.record(&mut tx, &ctx, Audit { action: "limits.abuse", target: None, detail }).await?;
        tx.commit().await
    }
}

/// The middleware. Requests that no rule is for pass untouched.
pub(crate) async fn limit_layer(State(limiting): State<Limiting>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut rules = limiting.possible(&parts);
    let Some(known) = parts.extensions.get::<web::Request>().filter(|_| !rules.is_empty()).cloned() else {
        return next.run(Request::from_parts(parts, body)).await;
    };
    // Credentials that do not count make a stranger; the handler says what is wrong with them.
    let ctx = MaybeCaller::from_request_parts(&mut parts, &()).await.map_or(None, |MaybeCaller(ctx)| ctx);
    rules.retain(|rule| rule.is_for(ctx.is_some()));
    if rules.is_empty() {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let verdict = if is_exempt(&limiting.limits, &parts, known.address) {
        let full = |rule: &&Rule| Left { remaining: rule.quota().burst(), reset_s: 0 };
        Verdict::Fine(rules.iter().map(full).collect())
    } else {
        limiting.limits.check(&rules, &caller(&parts, ctx.as_ref(), known.address)).await
    };
    let policy = policy(&rules);
    let (mut response, state) = match verdict {
        Verdict::Fine(left) => {
            let state = tightest(&rules, &left);
            (next.run(Request::from_parts(parts, body)).await, state)
        }
        Verdict::Refused { rule, key, refused } => {
            let name = rules[rule].name();
            limiting.note_abuse(name, key, ctx, known);
            let problem = Problem::too_many_requests(
                "too-many-requests",
                format!("the limit {name:?} is reached; try again in {} s", refused.retry_after_s),
            );
            let response = web::Error::from(problem.retry_after_s(refused.retry_after_s)).into_response();
            (response, format!("\"{name}\";r=0;t={}", refused.retry_after_s))
        }
    };
    // draft-ietf-httpapi-ratelimit-headers-10. Names are letters, digits, dots and dashes.
    let headers = response.headers_mut();
    for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// From a trusted network; but not through a proxy that nobody told us to trust, where all callers have its address.
fn is_exempt(limits: &Limits, parts: &Parts, address: Option<IpAddr>) -> bool {
    static TOLD: Once = Once::new();
    let Some(address) = address.filter(|address| limits.is_trusted(*address)) else { return false };
    let Some(list) = parts.headers.get("x-forwarded-for") else { return true };
    let text = list.to_str().unwrap_or("");
    if text.split(',').any(|part| part.trim().parse() == Ok(address)) {
        return true;
    }
    TOLD.call_once(|| {
        tracing::warn!(
            proxy = %address,
            "requests come through a proxy that http.trusted_proxies does not name: all its callers share one limit"
        );
    });
    false
}

fn caller(parts: &Parts, ctx: Option<&Ctx>, address: Option<IpAddr>) -> Caller {
    let token = ctx.and_then(|_| parts.headers.get(header::AUTHORIZATION));
    Caller {
        address,
        user: ctx.map(|ctx| ctx.actor.to_string()),
        workspace: ctx.map(|ctx| ctx.workspace.to_string()),
        token: token.map(|value| blake3::hash(value.as_bytes()).to_hex().to_string()),
    }
}

fn policy(rules: &[&Rule]) -> String {
    let mut text = String::new();
    for rule in rules {
        let separator = if text.is_empty() { "" } else { ", " };
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            "{separator}\"{}\";q={};w={}",
            rule.name(),
            rule.quota().burst(),
            rule.quota().per().as_secs()
        );
    }
    text
}

/// The rule that will refuse first.
fn tightest(rules: &[&Rule], left: &[Left]) -> String {
    let found = rules.iter().zip(left).min_by_key(|(_, left)| left.remaining);
    found.map_or_else(String::new, |(rule, left)| {
        format!("\"{}\";r={};t={}", rule.name(), left.remaining, left.reset_s)
    })
}
