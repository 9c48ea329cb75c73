use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use kernel::{Clock as _, SystemClock, Timestamp};
use serde::de::DeserializeOwned;
use tokio::{sync::OwnedSemaphorePermit, time::timeout};
use url::Url;

use crate::error::{Error, Result};

/// An answer, read whole. Its status may be any: see [`success`](Self::success).
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Where it came from, redirects followed.
    pub url: Url,
    pub(crate) upstream: String,
}

impl Answer {
    /// The answer, if its status is 2xx.
    ///
    /// # Errors
    ///
    /// [`Error::Status`].
    pub fn success(self) -> Result<Self> {
        if self.status.is_success() {
            return Ok(self);
        }
        let retry_after = retry_after(&self.headers);
        Err(Error::Status { upstream: self.upstream, status: self.status.as_u16(), retry_after })
    }

    /// # Errors
    ///
    /// [`Error::Decode`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body)
            .map_err(|source| Error::Decode { upstream: self.upstream.clone(), source })
    }

    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// How long the upstream asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.headers)
    }
}

/// An answer whose body is read in pieces. It holds its place in the bulkhead until it is dropped.
pub struct Pieces {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub url: Url,
    pub(crate) upstream: String,
    /// What was read already.
    pub(crate) first: Option<Bytes>,
    pub(crate) response: Option<reqwest::Response>,
    /// Between two pieces.
    pub(crate) timeout: Duration,
    pub(crate) bytes_max: u64,
    pub(crate) read: u64,
    pub(crate) _place: Option<OwnedSemaphorePermit>,
}

impl Pieces {
    /// The answer, if its status is 2xx.
    ///
    /// # Errors
    ///
    /// [`Error::Status`].
    pub fn success(self) -> Result<Self> {
        if self.status.is_success() {
            return Ok(self);
        }
        let retry_after = retry_after(&self.headers);
        Err(Error::Status { upstream: self.upstream, status: self.status.as_u16(), retry_after })
    }

    /// How long the upstream asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.headers)
    }

    /// What the head says of the body's length.
    pub fn length(&self) -> Option<u64> {
        match (&self.first, &self.response) {
            (Some(first), _) => Some(first.len() as u64),
            (None, response) => response.as_ref()?.content_length(),
        }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] as soon as that is known, [`Error::Timeout`] when no piece comes for a while,
    /// [`Error::Broken`].
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first).filter(|first| !first.is_empty()));
        }
        let too_large = || Error::TooLarge { upstream: self.upstream.clone(), max: self.bytes_max };
        if self.read == 0 && self.length().is_some_and(|length| length > self.bytes_max) {
            return Err(too_large());
        }
        let Some(response) = &mut self.response else { return Ok(None) };
        let piece = match timeout(self.timeout, response.chunk()).await {
            Err(_) => return Err(Error::Timeout { upstream: self.upstream.clone(), after: self.timeout }),
            Ok(Err(source)) => {
                let source = source.without_url();
                return Err(Error::Broken { upstream: self.upstream.clone(), source });
            }
            Ok(Ok(piece)) => piece,
        };
        self.read += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        if self.read > self.bytes_max {
            return Err(Error::TooLarge { upstream: self.upstream.clone(), max: self.bytes_max });
        }
        Ok(piece)
    }
}

/// `Retry-After` as seconds or as a date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let until = Timestamp::try_from(httpdate::parse_http_date(text).ok()?).ok()?;
    // A date is one of the world's clock, not of a test's.
    Some(Duration::try_from(until.duration_since(SystemClock.now())).unwrap_or_default())
}
