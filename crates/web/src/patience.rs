//! How long an answer may take. Counted from the beginning of a request; where a handler takes a large file, from when its
//! caller last sent a piece: then silence is bounded, and not the whole.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http_body_util::BodyExt as _;
use kernel::Problem;
use tokio::time::{Instant, timeout_at};

/// In the extensions of every request that has a time limit.
#[derive(Debug, Clone)]
pub struct Patience(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    begun: Instant,
    /// When the time began anew, since `begun`.
    renewed_ms: AtomicU64,
}

impl Patience {
    fn begin() -> Self {
        Self(Arc::new(Inner { begun: Instant::now(), renewed_ms: AtomicU64::new(0) }))
    }

    /// The time begins anew. For work that gets on, and is bounded by something else.
    pub fn renew(&self) {
        let elapsed = u64::try_from(self.0.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.renewed_ms.fetch_max(elapsed, Ordering::Relaxed);
    }

    /// The body, each piece of which lets the time begin anew.
    pub fn renewed_by(self, body: Body) -> Body {
        Body::new(body.map_frame(move |frame| {
            self.renew();
            frame
        }))
    }

    fn ends(&self, limit: Duration) -> Instant {
        self.0.begun + Duration::from_millis(self.0.renewed_ms.load(Ordering::Relaxed)) + limit
    }
}

/// Answers 504 once the time is over.
pub(crate) async fn within<F: Future<Output = Response>>(
    limit: Duration,
    mut request: axum::extract::Request,
    run: impl FnOnce(axum::extract::Request) -> F,
) -> Response {
    let patience = Patience::begin();
    request.extensions_mut().insert(patience.clone());
    let mut answer = std::pin::pin!(run(request));
    loop {
        let ends = patience.ends(limit);
        match timeout_at(ends, &mut answer).await {
            Ok(response) => return response,
            Err(_) if patience.ends(limit) > ends => {}
            Err(_) => {
                return crate::Error::from(Problem::new(
                    504,
                    "timeout",
                    "the server did not finish in time; nothing half-done was kept",
                ))
                .into_response();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll, ready},
    };

    use axum::body::{Bytes, HttpBody};
    use http_body::Frame;

    use super::*;

    /// A body that is silent before each of its pieces.
    struct Slow {
        left: u32,
        wait: Duration,
        silence: Pin<Box<tokio::time::Sleep>>,
    }

    impl HttpBody for Slow {
        type Data = Bytes;
        type Error = axum::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            ready!(self.silence.as_mut().poll(cx));
            self.left -= 1;
            self.silence = Box::pin(tokio::time::sleep(self.wait));
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
        }
    }

    /// What is answered to so many pieces, `wait_ms` apart, where three seconds are allowed.
    async fn status(pieces: u32, wait_ms: u64, is_upload: bool) -> u16 {
        let wait = Duration::from_millis(wait_ms);
        let body = Slow { left: pieces, wait, silence: Box::pin(tokio::time::sleep(wait)) };
        let request = axum::extract::Request::new(Body::new(body));
        let answer = within(Duration::from_secs(3), request, |request| async move {
            let patience = request.extensions().get::<Patience>().expect("it is always there").clone();
            let body = request.into_body();
            let body = if is_upload { patience.renewed_by(body) } else { body };
            let read = body.collect().await.expect("it does not break off").to_bytes();
            read.len().to_string().into_response()
        });
        answer.await.status().as_u16()
    }

    #[tokio::test]
    async fn an_upload_is_bounded_by_its_silence() {
        // Longer than is allowed, and never silent for long; silent; not an upload; not long.
        let all = tokio::join!(
            status(10, 400, true),
            status(2, 60_000, true),
            status(10, 400, false),
            status(2, 1, false)
        );
        assert_eq!(all, (200, 504, 504, 200));
    }
}
