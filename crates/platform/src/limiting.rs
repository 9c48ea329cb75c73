//! The rules of section `[limits]` around every request: who asks is found out once, here, and the handler finds it in
//! the request; a refused request never reaches it.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Arc, Once},
};

use axum::{
    extract::{FromRequestParts as _, MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use db::Db;
use http::{HeaderName, HeaderValue, request::Parts};
use kernel::{Ctx, Problem};
use limits::{Call, Caller, Left, Limits, Quota, Rule, Verdict};
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

/// The middleware. Requests that no rule is for pass, with what limiters of modules said to them.
pub(crate) async fn limit_layer(State(limiting): State<Limiting>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut rules = limiting.possible(&parts);
    let Some(known) = parts.extensions.get::<web::Request>().filter(|_| !rules.is_empty()).cloned() else {
        return answer(next, Request::from_parts(parts, body), &[]).await;
    };
    // Credentials that do not count make a stranger; the handler says what is wrong with them.
    let ctx = MaybeCaller::from_request_parts(&mut parts, &()).await.map_or(None, |MaybeCaller(ctx)| ctx);
    rules.retain(|rule| rule.is_for(ctx.is_some()));
    if rules.is_empty() {
        return answer(next, Request::from_parts(parts, body), &[]).await;
    }
    let full = |rule: &&Rule| Left { remaining: rule.quota().burst(), reset_s: 0 };
    let verdict = if is_exempt(&limiting.limits, &known) {
        Verdict::Fine(rules.iter().map(full).collect())
    } else {
        limiting.limits.check(&rules, &caller(ctx.as_ref(), &known)).await
    };
    let standing = |left: &[Left]| -> Vec<Standing<'_>> {
        rules.iter().zip(left).map(|(rule, left)| (rule.name(), rule.quota(), *left)).collect()
    };
    match verdict {
        Verdict::Fine(left) => answer(next, Request::from_parts(parts, body), &standing(&left)).await,
        Verdict::Refused { rule, key, refused } => {
            let name = rules[rule].name();
            limiting.note_abuse(name, key, ctx, known);
            let problem = Problem::too_many_requests(
                "too-many-requests",
                format!("the limit {name:?} is reached; try again in {} s", refused.retry_after_s),
            );
            let problem = problem.retry_after_s(refused.retry_after_s);
            let mut response = web::Error::from(problem).into_response();
            // Nothing was taken from the others.
            let mut left: Vec<_> = rules.iter().map(full).collect();
            left[rule] = Left { remaining: 0, reset_s: refused.retry_after_s };
            tell(&mut response, &standing(&left));
            response
        }
    }
}

/// Name and quota of a limit, and what it still lets through.
type Standing<'a> = (&'a str, Quota, Left);

/// The handler's answer, with what the rules say and what limiters of modules said on the way: those of log-in, say.
async fn answer(next: Next, request: Request, rules: &[Standing<'_>]) -> Response {
    let (mut response, noted) = limits::noting(next.run(request)).await;
    let noted = noted.iter().map(|noted| (noted.name.as_str(), noted.quota, noted.left));
    let standing: Vec<_> = rules.iter().copied().chain(noted).collect();
    tell(&mut response, &standing);
    response
}

/// draft-ietf-httpapi-ratelimit-headers-10. Names are letters, digits, dots and dashes.
fn tell(response: &mut Response, standing: &[Standing<'_>]) {
    let Some((name, _, left)) = standing.iter().min_by_key(|(.., left)| left.remaining) else { return };
    let tightest = format!("\"{name}\";r={};t={}", left.remaining, left.reset_s);
    for (name, value) in [("ratelimit-policy", policy(standing)), ("ratelimit", tightest)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}

fn policy(standing: &[Standing<'_>]) -> String {
    let mut text = String::new();
    for (name, quota, _) in standing {
        let separator = if text.is_empty() { "" } else { ", " };
        // Writing to a text cannot fail.
        let _ = write!(text, "{separator}\"{name}\";q={};w={}", quota.burst(), quota.per().as_secs());
    }
    text
}

/// From a trusted network; but not through a proxy that hides its callers, whatever they say of themselves: all of them have
/// its address.
fn is_exempt(limits: &Limits, known: &web::Request) -> bool {
    static TOLD: Once = Once::new();
    let Some(address) = known.address.filter(|address| limits.is_trusted(*address)) else { return false };
    if !known.address_is_own {
        TOLD.call_once(|| {
            tracing::warn!(
                proxy = %address,
                "requests come through a proxy that http.trusted_proxies does not name, or that does not tell its callers' \
                 addresses: all of them share one limit"
            );
        });
    }
    known.address_is_own
}

fn caller(ctx: Option<&Ctx>, known: &web::Request) -> Caller {
    Caller {
        address: known.address,
        user: ctx.map(|ctx| ctx.actor.to_string()),
        workspace: ctx.map(|ctx| ctx.workspace.to_string()),
        session: ctx.and_then(|ctx| ctx.session).map(|session| session.to_string()),
        api_key: ctx.and_then(|ctx| ctx.api_key).map(|key| key.to_string()),
    }
}
