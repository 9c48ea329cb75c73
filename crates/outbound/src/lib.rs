//! Calls to others: one client for all of Socle, with time limits, retries, breakers and guards.
//!
//! ```ignore
//! let answer = platform.outbound.to("webhooks").each(host).post(&url).json(&body)?.idempotent().send().await?;
//! ```
//! An *upstream* has a name: it stands in metrics, in the list of breakers and in messages. Where one name covers many
//! hosts (webhooks of users), [`Upstream::each`] gives every host a breaker and a bulkhead of its own, so that a dead one
//! harms nobody else.
//!
//! A call's life: the address is checked ([`guard`](self#addresses)), the bulkhead gives a place (or says
//! [`Error::Busy`]), the breaker lets it through (or says [`Error::Open`]), the request goes out with `traceparent` and
//! `X-Request-ID`, the answer is read up to its bound. What failed and may be tried again is, after a pause, while the
//! call's whole time is not over.
//!
//! # Addresses
//!
//! Private, loopback, link-local and other special addresses are refused: literal ones when the URL is read, names after
//! they are resolved, both again at each redirect. The checked address is the one that is connected to. Exceptions stand
//! in `outbound.private_allowed`.

mod answer;
mod breaker;
mod call;
mod circuit;
mod config;
mod error;
mod guard;
mod policy;

use std::sync::Arc;

pub use answer::{Answer, Pieces};
pub use breaker::BreakerState;
pub use call::Call;
pub use config::Config;
pub use error::{Error, Result};
pub use policy::Policy;

use circuit::Circuits;
use guard::Clients;

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct Outbound(Arc<Inner>);

struct Inner {
    clients: Clients,
    circuits: Circuits,
    policy: Policy,
}

/// A breaker, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerInfo {
    /// The upstream's name, with `/host` where each host has its own.
    pub name: String,
    /// Whether it guards one of the many hosts of an upstream: users chose them, Socle works without.
    pub is_one_of_many: bool,
    pub state: BreakerState,
    /// Failures among the last 20 calls.
    pub failures: u32,
    /// How long ago it opened, if it is not closed.
    pub opened_ago: Option<std::time::Duration>,
}

impl Outbound {
    /// # Errors
    ///
    /// When the settings name no network: [`Config::validate`] says which.
    pub fn new(config: &Config) -> Result<Self> {
        let clients = Clients::new(config)?;
        Ok(Self(Arc::new(Inner { clients, circuits: Circuits::default(), policy: config.policy() })))
    }

    /// An upstream by its name, with the policy of `[outbound]`.
    pub fn to(&self, name: &'static str) -> Upstream {
        Upstream { outbound: self.clone(), name, key: None, policy: self.0.policy.clone() }
    }

    /// All breakers that have seen a call, by name.
    pub fn breakers(&self) -> Vec<BreakerInfo> {
        self.0.circuits.list()
    }
}

/// Somebody whom Socle calls.
#[derive(Clone)]
pub struct Upstream {
    outbound: Outbound,
    name: &'static str,
    key: Option<Arc<str>>,
    policy: Policy,
}

impl Upstream {
    /// A breaker and a bulkhead for this host (or whatever the key names) alone.
    #[must_use]
    pub fn each(mut self, key: &str) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Changes some of the policy: `upstream.with(|policy| policy.attempts = 1)`. The breaker and the bulkhead keep what
    /// the first call set.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }

    pub fn get(&self, url: impl AsRef<str>) -> Call {
        self.call(http::Method::GET, url)
    }

    pub fn post(&self, url: impl AsRef<str>) -> Call {
        self.call(http::Method::POST, url)
    }

    pub fn put(&self, url: impl AsRef<str>) -> Call {
        self.call(http::Method::PUT, url)
    }

    pub fn delete(&self, url: impl AsRef<str>) -> Call {
        self.call(http::Method::DELETE, url)
    }

    pub fn call(&self, method: http::Method, url: impl AsRef<str>) -> Call {
        Call::new(self.clone(), method, url.as_ref())
    }

    /// Whether a URL could be called: its scheme, and its host if that is an address. A name is resolved only when it is
    /// called, since what it resolves to may change.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] or [`Error::Refused`].
    pub fn check(&self, url: impl AsRef<str>) -> Result<url::Url> {
        let url = error::parse(url.as_ref())?;
        if !self.policy.private_allowed {
            self.outbound.0.clients.guard().check(&url)?;
        }
        Ok(url)
    }
}
