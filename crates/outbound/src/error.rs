use std::{net::IpAddr, time::Duration};

use kernel::{Problem, ToProblem};
use url::Url;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call came to nothing. Messages hold no path and no query: those may be secrets.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0:?} is not an address to call: it must begin with https:// or http:// and name a host")]
    Url(String),
    /// The address is not one to call; see `outbound.private_allowed`.
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the body for {upstream} could not be written as JSON")]
    Encode {
        upstream: &'static str,
        #[source]
        source: serde_json::Error,
    },
    #[error("a header for {upstream} holds what a header cannot")]
    Header { upstream: &'static str },
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
    /// Too many calls are under way.
    #[error("{upstream} has as many calls as it may; none ended in time")]
    Busy { upstream: String },
    /// The breaker is open.
    #[error("{upstream} failed again and again; it is tried again in {} s", retry_in.as_secs().max(1))]
    Open { upstream: String, retry_in: Duration },
    #[error("{upstream} cannot be reached")]
    Connect {
        upstream: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("{upstream} did not answer within {} ms", after.as_millis())]
    Timeout { upstream: String, after: Duration },
    #[error("the connection to {upstream} broke")]
    Broken {
        upstream: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("{upstream} redirects too often, or to what is no web address")]
    Redirects { upstream: String },
    #[error("the answer of {upstream} is larger than {max} bytes")]
    TooLarge { upstream: String, max: u64 },
    /// From [`crate::Answer::success`].
    #[error("{upstream} answered {status}")]
    Status { upstream: String, status: u16, retry_after: Option<Duration> },
    #[error("the answer of {upstream} is not the JSON that was expected")]
    Decode {
        upstream: String,
        #[source]
        source: serde_json::Error,
    },
}

/// An address that is not to be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{host} leads to {address}, which is private or special; an administrator can allow it with outbound.private_allowed"
)]
pub struct Refused {
    pub host: String,
    pub address: IpAddr,
}

impl Error {
    /// Whether the upstream may never have seen the request, or failed by itself: nothing that the caller did wrong.
    pub fn is_upstream_fault(&self) -> bool {
        match self {
            Self::Busy { .. }
            | Self::Open { .. }
            | Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::Broken { .. } => true,
            Self::Status { status, .. } => *status >= 500,
            _ => false,
        }
    }

    /// What metrics and traces call it.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::Url(_) | Self::Encode { .. } | Self::Header { .. } | Self::Client(_) => "not_sent",
            Self::Refused(_) => "refused",
            Self::Busy { .. } => "busy",
            Self::Open { .. } => "open",
            Self::Connect { .. } => "connect",
            Self::Timeout { .. } => "timeout",
            Self::Broken { .. } => "broken",
            Self::Redirects { .. } => "redirects",
            Self::TooLarge { .. } => "too_large",
            Self::Status { .. } => "status",
            Self::Decode { .. } => "decode",
        }
    }
}

impl ToProblem for Error {
    fn problem(&self) -> Problem {
        match self {
            Self::Url(_) => Problem::unprocessable("outbound.not-an-address", self),
            Self::Refused(_) => Problem::unprocessable("outbound.address-refused", self),
            Self::Encode { .. } | Self::Header { .. } | Self::Client(_) => Problem::internal(),
            Self::Busy { .. } => Problem::unavailable("outbound.busy", self).retry_after_s(1),
            Self::Open { retry_in, .. } => {
                Problem::unavailable("outbound.open", self).retry_after_s(retry_in.as_secs().max(1))
            }
            Self::Timeout { .. } => Problem::new(504, "outbound.timeout", self),
            Self::Connect { .. }
            | Self::Broken { .. }
            | Self::Redirects { .. }
            | Self::TooLarge { .. }
            | Self::Status { .. }
            | Self::Decode { .. } => Problem::new(502, "outbound.failed", self),
        }
    }
}

/// An `http` or `https` URL with a host.
pub(crate) fn parse(text: &str) -> Result<Url> {
    let shown = || {
        // The path may be a secret, so only the beginning is told.
        Error::Url(text.split(['?', '#']).next().unwrap_or_default().chars().take(40).collect())
    };
    let url = Url::parse(text.trim()).map_err(|_| shown())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(shown());
    }
    Ok(url)
}
