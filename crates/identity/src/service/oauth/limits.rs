use std::{net::IpAddr, time::Duration};

use anyhow::Context as _;
use limits::{About, Limiter, Limits, Quota, Refused, network};

use crate::error::Error;

/// How often a door of the provider may be tried in vain.
pub(crate) struct OAuthLimits {
    /// Clients whose secret is wrong, per address.
    clients: Limiter,
}

impl OAuthLimits {
    pub(crate) fn new(limits: &Limits) -> anyhow::Result<Self> {
        let limiter = |name, routes, key, burst, per_s| {
            let quota = Quota::new(burst, Duration::from_secs(per_s)).context("a limit is zero")?;
            anyhow::Ok(limits.limiter(About { name, routes, key }, quota))
        };
        Ok(Self { clients: limiter("identity.oauth-client", &["POST /oauth/token"], "address", 20, 300)? })
    }

    /// To be given back when the credentials were right.
    pub(crate) async fn take_client(&self, address: Option<IpAddr>) -> Result<(), Error> {
        take(&self.clients, address.map(network)).await
    }

    pub(crate) async fn give_back_client(&self, address: Option<IpAddr>) {
        if let Some(address) = address {
            self.clients.give_back(&network(address), 1).await;
        }
    }
}

async fn take(limiter: &Limiter, key: Option<String>) -> Result<(), Error> {
    let Some(key) = key else { return Ok(()) };
    let taken = limiter.check(&key, 1).await;
    taken.map(drop).map_err(|Refused { retry_after_s }| Error::TooManyAttempts { retry_after_s })
}
