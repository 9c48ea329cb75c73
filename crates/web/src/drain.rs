//! Lets a client that still sends a refused body hear why.
//!
//! A server that answers 413 and closes while the client is sending makes most clients report a broken pipe instead of
//! the answer (RFC 9112 §9.6). So the answer goes out at once, and the rest of the body is read and thrown away, up to a
//! bound.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt as _;

/// Nobody is listened to for longer, or to more, than this.
const TIME_MAX: Duration = Duration::from_secs(5);
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// A request's body that can still be reached after the handler has dropped it.
#[derive(Clone)]
pub(crate) struct Rest(Arc<Mutex<Body>>);

impl Rest {
    /// The body for the handler, and the handle for what it leaves.
    pub(crate) fn split(body: Body) -> (Body, Self) {
        let rest = Self(Arc::new(Mutex::new(body)));
        (Body::new(rest.clone()), rest)
    }

    /// Reads what is left and forgets it, while the answer is on its way.
    #[expect(
        clippy::disallowed_methods,
        reason = "bounded in time, and nothing is lost when shutdown does not wait for it"
    )]
    pub(crate) fn drain(mut self) {
        let drained = async move {
            let mut total = 0;
            while let Some(Ok(frame)) = self.frame().await {
                total += frame.data_ref().map_or(0, Bytes::len);
                if total > BYTES_MAX {
                    break;
                }
            }
        };
        tokio::spawn(tokio::time::timeout(TIME_MAX, drained));
    }
}

impl HttpBody for Rest {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Pin::new(&mut *body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).size_hint()
    }
}
