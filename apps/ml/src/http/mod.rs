//! The doors: MLflow's paths, by its own rules. They stand in one table, [`routes::ROUTES`], from which the router, the
//! documentation and the tests are made.

mod artifacts;
mod auth;
mod bodies;
mod columns;
mod evaluation;
mod experiments;
mod info;
mod labels;
mod log;
mod logged;
mod models;
mod older_traces;
mod otlp;
mod parts;
mod routes;
mod runs;
mod serving;
mod trace_file;
mod traces;
mod versions;
mod webhooks;
mod wire;

use std::{collections::BTreeMap, pin::Pin};

use axum::{
    Router,
    extract::{RawPathParams, Request, State},
    response::Response,
    routing::{MethodFilter, MethodRouter, any},
};
use bytes::Bytes;
use http::{HeaderMap, Method, request::Parts};
use kernel::{Allow, Ctx, Permission};
use web::OpenApiRouter;

pub use info::MLFLOW as MLFLOW_VERSION;
pub use routes::{Base, Needs, ROUTES, Route};

use crate::{error::Error, service::Ml};
use wire::Params;

/// A call that has come in: who, and with what.
struct Call {
    ml: Ml,
    ctx: Ctx,
    params: Params,
    /// The body as it came, of calls that are not only read by their parameters.
    body: Body,
    headers: HeaderMap,
    /// Scheme and host that the caller used.
    host: String,
    /// Parts of the path, by name.
    path: Vec<(String, String)>,
    patience: Option<web::Patience>,
}

enum Body {
    Read(Bytes),
    /// Of an upload: to be read by the handler.
    Stream(axum::body::Body),
}

impl Call {
    /// The permission check of every handler.
    fn allow<P: Permission>(&self) -> Result<Allow<P>, Error> {
        Ok(self.ctx.allow::<P>()?)
    }

    fn part(&self, name: &str) -> &str {
        self.path.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

/// Where everything is once more: below a workspace's name.
const WORKSPACE: &str = "/t/{workspace}";

pub(crate) fn routes(ml: Ml) -> OpenApiRouter {
    let mut paths: BTreeMap<String, MethodRouter<Ml>> = BTreeMap::new();
    for route in ROUTES {
        for path in route.paths() {
            let handler = move |State(ml): State<Ml>, request: Request| answer(ml, route, request);
            let filter = MethodFilter::try_from(route.method.clone()).unwrap_or(MethodFilter::GET);
            for path in [format!("{WORKSPACE}{path}"), path] {
                let methods = paths.remove(&path).unwrap_or_default();
                paths.insert(path, methods.on(filter, handler));
            }
        }
    }
    let mut router = Router::new();
    for (path, methods) in paths {
        router = router.route(&path, methods.fallback(wrong_method));
    }
    // What is not there is told in the same form.
    for base in routes::BASES {
        for path in [format!("{base}/{{*rest}}"), format!("{WORKSPACE}{base}/{{*rest}}")] {
            router = router.route(&path, any(unknown));
        }
    }
    OpenApiRouter::from(router.with_state(ml.clone()))
        .merge(columns::routes(ml.clone()))
        .merge(serving::routes(ml))
}

async fn unknown(method: Method, uri: http::Uri) -> Response {
    wire::refusal(Error::NoEndpoint { method: method.to_string(), path: uri.path().to_owned() })
}

async fn wrong_method(method: Method, uri: http::Uri) -> Response {
    wire::refusal(Error::Method { method: method.to_string(), path: uri.path().to_owned() })
}

async fn answer(ml: Ml, route: &'static Route, request: Request) -> Response {
    let is_head = request.method() == Method::HEAD;
    match call(ml, route, request).await {
        Ok(response) => response,
        Err(error) => {
            let mut response = wire::refusal(error);
            if is_head {
                *response.body_mut() = axum::body::Body::empty();
            }
            response
        }
    }
}

async fn call(ml: Ml, route: &'static Route, request: Request) -> Result<Response, Error> {
    let (mut parts, body) = request.into_parts();
    if route.needs == Needs::Nothing {
        return info::answer(route.path, ml.config.signed_downloads && ml.storage.place() == "s3");
    }
    let path = path_of(&mut parts).await;
    let workspace = path.iter().find(|(name, _)| name == "workspace").map(|(_, value)| value.clone());
    let ctx = auth::caller(&ml, &mut parts, workspace.as_deref()).await?;
    ml.prepare(&ctx).await?;
    // What moves files takes the time that it takes, as long as it gets on.
    let patience = parts.extensions.get::<web::Patience>().cloned();
    let (params, body) = if route.is_upload {
        let body = match &patience {
            Some(patience) => patience.clone().renewed_by(body),
            None => body,
        };
        (Params::of_query(parts.uri.query().unwrap_or("")), Body::Stream(body))
    } else if parts.method == Method::GET || parts.method == Method::HEAD {
        (Params::of_query(parts.uri.query().unwrap_or("")), Body::Read(Bytes::new()))
    } else {
        let bytes = read(&ml, body).await?;
        // What is not MLflow's own looks at it by itself.
        if route.base != Base::Root {
            check_content_type(&parts, &bytes)?;
        }
        let params = if route.reads_body { Params::of_query("") } else { Params::of_body(&bytes) };
        (params, Body::Read(bytes))
    };
    let host = parts.extensions.get::<web::Request>().and_then(|request| request.host.clone());
    let host = host.unwrap_or_default();
    (route.handler)(Call { ml, ctx, params, body, headers: parts.headers, host, path, patience }).await
}

async fn path_of(parts: &mut Parts) -> Vec<(String, String)> {
    use axum::extract::FromRequestParts as _;
    match RawPathParams::from_request_parts(parts, &()).await {
        Ok(params) => params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        Err(_) => Vec::new(),
    }
}

async fn read(ml: &Ml, body: axum::body::Body) -> Result<Bytes, Error> {
    let max = ml.config.body_bytes_max;
    axum::body::to_bytes(body, usize::try_from(max).unwrap_or(usize::MAX)).await.map_err(|error| {
        // The library tells of a limit and of a broken connection in the same way.
        let text = error.to_string();
        if text.contains("length limit") {
            Error::invalid(format!("The body of a call may have {max} bytes at most."))
        } else {
            Error::Body(text)
        }
    })
}

fn check_content_type(parts: &Parts, bytes: &Bytes) -> Result<(), Error> {
    let given = parts.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = given.map(|given| given.split(';').next().unwrap_or("").trim().to_ascii_lowercase());
    match kind.as_deref() {
        Some("application/json") => Ok(()),
        None if bytes.is_empty() => Ok(()),
        _ => Err(Error::invalid("Bad Request. Content-Type must be one of ['application/json'].")),
    }
}
