use std::{error::Error as _, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep, timeout},
};
use tracing::{Instrument as _, field};
use url::Url;

use crate::{
    Answer, Pieces, Upstream,
    answer::retry_after,
    circuit::Circuit,
    error::{Error, Refused, Result, parse},
    guard::{BadRedirect, Redirects},
};

/// A request, not yet sent.
pub struct Call {
    upstream: Upstream,
    method: Method,
    url: Result<Url>,
    headers: HeaderMap,
    body: Bytes,
    is_idempotent: bool,
    fault: Option<Error>,
}

impl Call {
    pub(crate) fn new(upstream: Upstream, method: Method, url: &str) -> Self {
        // RFC 9110 §9.2.2.
        let is_idempotent = matches!(
            method,
            Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS | Method::TRACE
        );
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Self { upstream, method, url: parse(url), headers, body, is_idempotent, fault: None }
    }

    #[must_use]
    pub fn header(mut self, name: impl TryInto<HeaderName>, value: impl TryInto<HeaderValue>) -> Self {
        match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
            }
            _ => self.fault = Some(Error::Header { upstream: self.upstream.name }),
        }
        self
    }

    /// A header that no log may show.
    #[must_use]
    pub fn secret_header(self, name: impl TryInto<HeaderName>, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(true);
                self.header(name, value)
            }
            Err(_) => Self { fault: Some(Error::Header { upstream: self.upstream.name }), ..self },
        }
    }

    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.secret_header(header::AUTHORIZATION, &format!("Bearer {token}"))
    }

    #[must_use]
    pub fn body(mut self, kind: &'static str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header(header::CONTENT_TYPE, HeaderValue::from_static(kind))
    }

    #[must_use]
    pub fn json(self, body: &(impl serde::Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body("application/json", bytes),
            Err(source) => {
                let upstream = self.upstream.name;
                Self { fault: Some(Error::Encode { upstream, source }), ..self }
            }
        }
    }

    /// Says that sending it twice does no harm, as with an idempotency key: it may be tried again.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.is_idempotent = true;
        self
    }

    /// Sends it, again where that helps, and reads the answer whole.
    ///
    /// # Errors
    ///
    /// All but [`Error::Status`]: an answer of any status is an answer, once trying again did not help.
    pub async fn send(self) -> Result<Answer> {
        let head = self.run(true).await?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: head.body,
            url: head.url,
            upstream: head.upstream,
        })
    }

    /// Sends it, again where that helps, and gives the answer as soon as its head is there.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn open(self) -> Result<Pieces> {
        let (timeout, bytes_max) = (self.upstream.policy.timeout, self.upstream.policy.bytes_max);
        let head = self.run(false).await?;
        Ok(Pieces {
            status: head.status,
            headers: head.headers,
            url: head.url,
            upstream: head.upstream,
            // An answer that asked to try again was read whole.
            first: head.rest.is_none().then_some(head.body),
            response: head.rest,
            timeout,
            bytes_max,
            read: 0,
            _place: head.place,
        })
    }

    async fn run(mut self, is_whole: bool) -> Result<Got> {
        if let Some(fault) = self.fault.take() {
            return Err(self.count(fault, Duration::ZERO));
        }
        let url = match std::mem::replace(&mut self.url, Err(Error::Url(String::new()))) {
            Ok(url) => url,
            Err(fault) => return Err(self.count(fault, Duration::ZERO)),
        };
        let span = tracing::info_span!(
            "outbound",
            otel.name = field::Empty,
            otel.kind = field::Empty,
            upstream = self.upstream.name,
            http.request.method = %self.method,
            server.address = url.host_str(),
            server.port = url.port_or_known_default(),
            http.response.status_code = field::Empty,
            outcome = field::Empty,
            attempts = field::Empty,
        );
        telemetry::trace::name(&span, "client", || format!("{} {}", self.method, self.upstream.name));
        self.attempts(&url, is_whole).instrument(span).await
    }

    /// Attempt after attempt, while that may help and there is time.
    async fn attempts(&self, url: &Url, is_whole: bool) -> Result<Got> {
        let policy = &self.upstream.policy;
        let circuits = &self.upstream.outbound.0.circuits;
        let circuit = circuits.of(self.upstream.name, self.upstream.key.clone(), policy);
        let until = Instant::now() + policy.total_timeout;
        let mut pauses = ExponentialBuilder::new()
            .with_jitter()
            .with_min_delay(policy.backoff_min)
            .with_max_delay(policy.backoff_max)
            .with_max_times(if self.is_idempotent { policy.attempts.saturating_sub(1) as usize } else { 0 })
            .build();
        let mut number = 0_u32;
        let mut last: Option<Result<Got>> = None;
        loop {
            number += 1;
            let begun = Instant::now();
            let got = self.attempt(url, &circuit, until, is_whole).await;
            // A breaker that opened in between says less than what opened it.
            let got = match (got, last.take()) {
                (Err(Error::Open { .. }), Some(before)) => return self.end(before, number - 1),
                (got, _) => got,
            };
            self.record(&got, begun.elapsed());
            let pause = match self.pause(&got, &mut pauses) {
                Some(pause) if Instant::now() + pause < until => pause,
                _ => return self.end(got, number),
            };
            metrics::counter!("outbound_retries_total", "upstream" => self.upstream.name).increment(1);
            match &got {
                Err(error) => tracing::debug!(%error, number, pause_ms = pause.as_millis(), "trying again"),
                Ok(got) => {
                    tracing::debug!(
                        status = got.status.as_u16(),
                        number,
                        pause_ms = pause.as_millis(),
                        "trying again"
                    );
                }
            }
            last = Some(got.map(Got::without_rest));
            sleep(pause).await;
        }
    }

    /// How long to wait before another attempt; `None` if there shall be none.
    fn pause(&self, got: &Result<Got>, pauses: &mut impl Iterator<Item = Duration>) -> Option<Duration> {
        let asked = match got {
            Ok(got) if is_passing(got.status) => retry_after(&got.headers),
            Err(Error::Connect { .. } | Error::Timeout { .. } | Error::Broken { .. }) => None,
            // The bulkhead's wait was pause enough; the breaker says itself when to come again.
            _ => return None,
        };
        let own = pauses.next()?;
        Some(asked.map_or(own, |asked| asked.max(own)))
    }

    async fn attempt(
        &self,
        url: &Url,
        circuit: &std::sync::Arc<Circuit>,
        until: Instant,
        is_whole: bool,
    ) -> Result<Got> {
        let policy = &self.upstream.policy;
        let clients = &self.upstream.outbound.0.clients;
        let is_guarded = !policy.private_allowed;
        if is_guarded {
            clients.guard().check(url)?;
        }
        let client = clients.get(is_guarded, self.redirects())?;
        let mut leave = self.upstream.outbound.0.circuits.enter(circuit, policy).await?;
        let limit = policy.timeout.min(until.saturating_duration_since(Instant::now()));
        let upstream = circuit.shown();
        let request = client
            .request(self.method.clone(), url.clone())
            .headers(self.headers.clone())
            .headers(passed_on())
            .body(self.body.clone());
        let exchange = async {
            let mut response = request.send().await.map_err(|error| told(error, &upstream))?;
            let mut got = Got {
                status: response.status(),
                headers: std::mem::take(response.headers_mut()),
                url: response.url().clone(),
                upstream: upstream.clone(),
                body: Bytes::new(),
                rest: None,
                place: None,
            };
            // What will be tried again is read too, so that its connection can be used again.
            if is_whole || is_passing(got.status) {
                got.body = read(response, policy.bytes_max, &upstream).await?;
            } else {
                got.rest = Some(response);
            }
            Ok(got)
        };
        let got = match timeout(limit, exchange).await {
            Ok(got) => got,
            Err(_) => Err(Error::Timeout { upstream: upstream.clone(), after: limit }),
        };
        match &got {
            Ok(got) => leave.verdict(is_failure(got.status)),
            // The wait for a place, or an earlier attempt, had used the time up: it may answer as quickly as ever.
            Err(Error::Timeout { .. }) if limit < policy.timeout / 2 => {}
            Err(Error::Connect { .. } | Error::Timeout { .. } | Error::Broken { .. }) => leave.verdict(true),
            // It answers; what it says is not to our liking.
            Err(Error::TooLarge { .. } | Error::Redirects { .. }) => leave.verdict(false),
            Err(_) => {}
        }
        got.map(|got| Got { place: leave.keep_place(), ..got })
    }

    /// What leads elsewhere is followed by what only reads.
    fn redirects(&self) -> Redirects {
        let reads = matches!(self.method, Method::GET | Method::HEAD);
        let has_own = self.headers.keys().any(|name| {
            !matches!(*name, header::ACCEPT | header::ACCEPT_LANGUAGE | header::RANGE | header::IF_NONE_MATCH)
        });
        match (reads && self.upstream.policy.redirects, has_own) {
            (false, _) => Redirects::None,
            (true, true) => Redirects::SameOrigin,
            (true, false) => Redirects::Anywhere,
        }
    }

    fn record(&self, got: &Result<Got>, elapsed: Duration) {
        let outcome = match got {
            Ok(got) if got.status.is_server_error() => "server_error",
            Ok(got) if got.status.is_client_error() => "client_error",
            Ok(_) => "ok",
            Err(error) => error.outcome(),
        };
        self.measure(outcome, elapsed);
    }

    fn count(&self, fault: Error, elapsed: Duration) -> Error {
        self.measure(fault.outcome(), elapsed);
        fault
    }

    fn measure(&self, outcome: &'static str, elapsed: Duration) {
        let upstream = self.upstream.name;
        metrics::counter!("outbound_requests_total", "upstream" => upstream, "outcome" => outcome)
            .increment(1);
        metrics::histogram!("outbound_duration_seconds", "upstream" => upstream)
            .record(elapsed.as_secs_f64());
    }

    fn end(&self, got: Result<Got>, attempts: u32) -> Result<Got> {
        let span = tracing::Span::current();
        span.record("attempts", attempts);
        match &got {
            Ok(got) => {
                span.record("http.response.status_code", got.status.as_u16());
            }
            Err(error) => {
                span.record("outcome", error.outcome());
                tracing::debug!(error = %chain(error), "call failed");
            }
        }
        got
    }
}

/// An attempt that brought an answer.
struct Got {
    status: StatusCode,
    headers: HeaderMap,
    url: Url,
    upstream: String,
    body: Bytes,
    rest: Option<reqwest::Response>,
    place: Option<OwnedSemaphorePermit>,
}

impl Got {
    fn without_rest(self) -> Self {
        Self { rest: None, place: None, ..self }
    }
}

/// What may be otherwise a moment later.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// What speaks against the upstream itself.
fn is_failure(status: StatusCode) -> bool {
    status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
}

/// `traceparent`, `tracestate` and `X-Request-ID` of the work at hand.
fn passed_on() -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    if let Some(parent) = telemetry::trace::current() {
        put("traceparent", &parent.to_string());
        if let Some(state) = parent.state() {
            put("tracestate", state);
        }
    }
    if let Some(id) = telemetry::trace::request_id() {
        put("x-request-id", id.as_str());
    }
    headers
}

/// The body, up to the bound.
async fn read(mut response: reqwest::Response, max: u64, upstream: &str) -> Result<Bytes> {
    let too_large = || Error::TooLarge { upstream: upstream.to_owned(), max };
    if response.content_length().is_some_and(|length| length > max) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| told(error, upstream))? {
        if (body.len() + piece.len()) as u64 > max {
            return Err(too_large());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.into())
}

/// What went wrong, by what lies beneath.
fn told(error: reqwest::Error, upstream: &str) -> Error {
    let upstream = upstream.to_owned();
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<Refused>() {
            return Error::Refused(refused.clone());
        }
        if inner.is::<BadRedirect>() {
            return Error::Redirects { upstream };
        }
        cause = inner.source();
    }
    let source = error.without_url();
    if source.is_connect() || source.is_timeout() {
        Error::Connect { upstream, source }
    } else {
        Error::Broken { upstream, source }
    }
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
