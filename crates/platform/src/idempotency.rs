//! `Idempotency-Key` on creating requests (draft-ietf-httpapi-idempotency-key-header): the first answer is kept for a
//! day, and a repeat with the same key and body gets it again. Another body under the same key is 422; a repeat while
//! the first is under way is 409. Only answers that created something are kept: a refused request may be mended and sent
//! again under its key; and none that says `Cache-Control: no-store`, because it holds a secret.
//!
//! A client that hangs up, or the time limit of an answer, does not cut such a request half-way: it goes on in a task of
//! its own, and its answer is kept for the repeat. Only the end of the process does; then the key says "under way" until
//! twice `http.timeout_s` and a minute after the request came (2 minutes by default), and a repeat runs the request anew.

use std::{panic, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequestParts as _, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use db::{Db, FromRow, Row, Tx};
use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, Limited};
use kernel::{Problem, Timestamp};
use tokio::time::timeout;
use tracing::{Instrument as _, Span};
use web::MaybeCaller;

use crate::{Platform, Spawner};

pub const MIGRATIONS: db::Migrations = db::migrations!("migrations");

const KEEP: Duration = Duration::from_secs(24 * 3600);
/// What a request is given beyond the time limit of its answer.
const GRACE: Duration = Duration::from_secs(30);
/// Bodies above this are uploads, which are not replayed.
const BODY_MAX: usize = 1024 * 1024;

struct Kept {
    body_hash: String,
    status: u16,
    content_type: String,
    location: Option<String>,
    body: Vec<u8>,
    at: Timestamp,
}

impl FromRow for Kept {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            body_hash: row.get("body_hash")?,
            status: row.get("status")?,
            content_type: row.get("content_type")?,
            location: row.get("location")?,
            body: row.get("body")?,
            at: row.get("at")?,
        })
    }
}

/// What the middleware works with.
#[derive(Clone)]
pub(crate) struct Replay {
    db: Db,
    spawner: Spawner,
    /// After this the work is given up.
    work_max: Duration,
    /// A first request that has not answered for this long is taken for dead. It came at most one time limit before its
    /// work began, and two nodes' clocks may differ: this is later than the end of any work.
    under_way_max: Duration,
}

impl Replay {
    /// `limit` is the time limit of an answer.
    pub(crate) fn new(platform: &Platform, limit: Duration) -> Self {
        Self {
            db: platform.db.clone(),
            spawner: platform.spawner.clone(),
            work_max: limit + GRACE,
            under_way_max: 2 * (limit + GRACE),
        }
    }
}

/// A request that is to have one answer, however often it comes.
struct Once {
    key_hash: String,
    body_hash: String,
    /// When it came.
    at: Timestamp,
    parts: Parts,
    body: Bytes,
}

/// The middleware; a request without the header passes untouched.
pub(crate) async fn replay_layer(State(replay): State<Replay>, request: Request, next: Next) -> Response {
    // Answers of the sign-in routes are credentials; they are never kept.
    let of_sign_in = request.uri().path().starts_with("/api/v1/auth/");
    if request.method() != Method::POST || of_sign_in || !request.headers().contains_key("idempotency-key") {
        return next.run(request).await;
    }
    match read(request, next, &replay).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn read(request: Request, next: Next, replay: &Replay) -> web::Result<Response> {
    let (mut parts, body) = request.into_parts();
    let key = parts.headers.get("idempotency-key").and_then(|value| value.to_str().ok()).unwrap_or("");
    if !(1..=255).contains(&key.len()) {
        return Err(Problem::bad_request(
            "idempotency-key",
            "Idempotency-Key must hold 1 to 255 visible characters",
        )
        .into());
    }
    let key = key.to_owned();
    // Without a caller there is nobody to keep the answer for: the handler refuses, or is open and not creating.
    let caller = MaybeCaller::from_request_parts(&mut parts, &()).await;
    let Ok(MaybeCaller(Some(ctx))) = caller else {
        return Ok(next.run(Request::from_parts(parts, body)).await);
    };
    let body = Limited::new(body, BODY_MAX)
        .collect()
        .await
        .map_err(|_| {
            Problem::too_large(
                "body-too-large",
                "a request with an Idempotency-Key takes a body of 1 MiB at most",
            )
        })?
        .to_bytes();

    let who = format!("{}\n{}\n{}\n{key}", ctx.actor, ctx.workspace, parts.uri.path());
    let key_hash = blake3::hash(who.as_bytes()).to_hex().to_string();
    let body_hash = blake3::hash(&body).to_hex().to_string();
    track(replay, Once { key_hash, body_hash, at: ctx.now, parts, body }, next).await
}

/// The rest of the way, in a task that a client who hangs up does not end.
async fn track(replay: &Replay, once: Once, next: Next) -> web::Result<Response> {
    let (db, under_way_max) = (replay.db.clone(), replay.under_way_max);
    let work = async move { answer_once(&db, under_way_max, once, next).await };
    let work = telemetry::trace::within(telemetry::trace::scope(), work).instrument(Span::current());
    match replay.spawner.spawn("idempotency.answer", timeout(replay.work_max, work)).await {
        Ok(Ok(outcome)) => outcome,
        // Whoever asked has heard of the time limit before.
        Ok(Err(_)) => Err(Problem::new(504, "timeout", "the server did not finish in time").into()),
        Err(error) => match error.try_into_panic() {
            Ok(cause) => panic::resume_unwind(cause),
            Err(_) => Err(Problem::internal().into()),
        },
    }
}

async fn answer_once(db: &Db, under_way_max: Duration, once: Once, next: Next) -> web::Result<Response> {
    let Once { key_hash, body_hash, at, parts, body } = once;
    let mut tx = db.begin().await?;
    if let Some(kept) = find(&mut tx, &key_hash).await? {
        let age = at.duration_since(kept.at).unsigned_abs();
        if kept.body_hash != body_hash {
            return Err(Problem::unprocessable(
                "idempotency-key-reused",
                "this Idempotency-Key came with another body before",
            )
            .into());
        }
        if kept.status != 0 && age < KEEP {
            return Ok(answer(kept));
        }
        if kept.status == 0 && age < under_way_max {
            let problem = Problem::conflict(
                "idempotency-key-under-way",
                "the first request with this Idempotency-Key is still being answered",
            );
            return Err(problem.retry_after_s(1).into());
        }
        delete(&mut tx, &key_hash).await?;
    }
    begin(&mut tx, &key_hash, &body_hash, at).await?;
    tx.commit().await?;

    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let (parts, body) = response.into_parts();
    let is_json = parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    // Only JSON is kept: a stream would have to be held in memory.
    let is_secret = parts
        .headers
        .get(header::CACHE_CONTROL)
        .is_some_and(|value| value.as_bytes().starts_with(b"no-store"));
    let is_kept =
        !is_secret && parts.status.is_success() && (is_json || parts.status == StatusCode::NO_CONTENT);
    if !is_kept {
        let mut tx = db.begin().await?;
        delete(&mut tx, &key_hash).await?;
        tx.commit().await?;
        return Ok(Response::from_parts(parts, body));
    }
    let body = body.collect().await.map_err(|_| Problem::internal())?.to_bytes();
    let mut tx = db.begin().await?;
    let text =
        |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
    let content_type = text(header::CONTENT_TYPE).unwrap_or_default();
    finish(&mut tx, &key_hash, parts.status, &content_type, text(header::LOCATION), &body).await?;
    tx.commit().await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn answer(kept: Kept) -> Response {
    let mut response = Response::new(Body::from(kept.body));
    *response.status_mut() = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&kept.content_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    if let Some(value) = kept.location.and_then(|location| HeaderValue::from_str(&location).ok()) {
        headers.insert(header::LOCATION, value);
    }
    headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    response
}

async fn find(tx: &mut Tx, key_hash: &str) -> db::Result<Option<Kept>> {
    tx.query("SELECT * FROM platform_idempotency WHERE key_hash = $1").bind(key_hash).optional().await
}

async fn begin(tx: &mut Tx, key_hash: &str, body_hash: &str, at: Timestamp) -> web::Result<()> {
    let inserted = tx
        .query("INSERT INTO platform_idempotency (key_hash, body_hash, status, content_type, body, at) VALUES ($1, $2, 0, '', $3, $4)")
        .bind(key_hash)
        .bind(body_hash)
        .bind(Vec::new())
        .bind(at)
        .execute()
        .await;
    match inserted {
        Ok(_) => Ok(()),
        // Two first requests at once on PostgreSQL: the other one has it.
        Err(db::Error::Constraint { .. }) => Err(Problem::conflict(
            "idempotency-key-under-way",
            "the first request with this Idempotency-Key is still being answered",
        )
        .into()),
        Err(error) => Err(error.into()),
    }
}

async fn finish(
    tx: &mut Tx,
    key_hash: &str,
    status: StatusCode,
    content_type: &str,
    location: Option<String>,
    body: &Bytes,
) -> db::Result<u64> {
    tx.query("UPDATE platform_idempotency SET status = $2, content_type = $3, location = $4, body = $5 WHERE key_hash = $1")
        .bind(key_hash)
        .bind(status.as_u16())
        .bind(content_type)
        .bind(location)
        .bind(&body[..])
        .execute()
        .await
}

async fn delete(tx: &mut Tx, key_hash: &str) -> db::Result<u64> {
    tx.query("DELETE FROM platform_idempotency WHERE key_hash = $1").bind(key_hash).execute().await
}

/// Deletes the answers that are too old to be given again; gives their number.
pub async fn forget_old_answers(tx: &mut Tx, now: Timestamp) -> db::Result<u64> {
    tx.query("DELETE FROM platform_idempotency WHERE at < $1").bind(now - KEEP).execute().await
}
