//! The web application, embedded: files under their own names, and `index.html` for every page that it routes by itself.

use axum::{
    Router,
    body::Body,
    response::{Html, IntoResponse as _, Redirect, Response},
    routing::get,
};
use http::{HeaderValue, Method, StatusCode, Uri, header};
use kernel::Problem;
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "../console/dist"]
struct Dist;

/// First parts of paths that belong to the API or hold files: what is missing there is a problem, never the console.
const NOT_PAGES: [&str; 12] = [
    "ajax-api",
    "api",
    "auth",
    "health",
    "metrics",
    "ws",
    "openapi.json",
    "video_feed",
    "assets",
    "reference",
    "oauth",
    "t",
];

/// `/docs`, `/redoc`, the console's files, and the console for what is left.
pub(crate) fn pages() -> Router {
    Router::new()
        .route("/docs", get(|| async { reference(SCALAR) }))
        .route("/redoc", get(|| async { reference(REDOC) }))
        // Its form is posted to the same path, to identity.
        .route("/login", get(page))
        // Older names of pages.
        .route("/dashboard", get(|| async { Redirect::to("/") }))
        .route("/admin", get(|| async { Redirect::to("/admin/health") }))
        .fallback(page)
}

const SCALAR: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Socle API</title></head><body>
<div id="app"></div><script src="/reference/scalar.js"></script><script src="/reference/scalar-start.js"></script>
</body></html>"#;

const REDOC: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Socle API</title><link rel="stylesheet" href="/reference/reference.css"></head><body>
<div id="app"></div><script src="/reference/redoc.js"></script><script src="/reference/redoc-start.js"></script>
</body></html>"#;

/// The two readers of OpenAPI come with the console's build. They style themselves inline, which the console itself
/// never does; only these two pages allow it.
fn reference(page: &'static str) -> Response {
    let mut response = Html(page).into_response();
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; \
             worker-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
        ),
    );
    response
}

async fn page(method: Method, uri: Uri) -> web::Result<Response> {
    let path = uri.path().trim_start_matches('/');
    if !matches!(method, Method::GET | Method::HEAD) {
        return Err(missing());
    }
    if let Some(file) = Dist::get(path) {
        return Ok(answer(path, file));
    }
    let first = path.split('/').next().unwrap_or("");
    // A dot further on is part of a name: /admin/schedules/admin.forget_old is a page.
    if NOT_PAGES.contains(&first) || first.contains('.') {
        return Err(missing());
    }
    match Dist::get("index.html") {
        Some(index) => Ok(answer("index.html", index)),
        None => {
            let text = "<!doctype html><title>Socle</title><p>The server runs, but its console was not built into it. \
                        <code>make run</code> builds both; the API is at <a href=/docs>/docs</a>.";
            Ok((StatusCode::SERVICE_UNAVAILABLE, Html(text)).into_response())
        }
    }
}

fn missing() -> web::Error {
    Problem::not_found("not-found", "nothing answers at this path").into()
}

fn answer(path: &str, file: EmbeddedFile) -> Response {
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    // Names below assets/ carry a hash of the content.
    let caching =
        if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = Response::new(Body::from(file.data));
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    if let Ok(value) = HeaderValue::from_str(kind.essence_str()) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    response
}
