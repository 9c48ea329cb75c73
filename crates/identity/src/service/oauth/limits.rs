use std::{net::IpAddr, time::Duration};

use anyhow::Context as _;
use limits::{About, Limiter, Limits, Quota, Refused, network};

use crate::error::Error;

/// How often a door of the provider may be tried in vain.
pub(crate) struct OAuthLimits {
    /// Clients whose secret is wrong, per address.
    clients: Limiter,
    /// Clients that register by themselves, per address.
    registrations: Limiter,
    /// Devices that ask for a code, per address.
    devices: Limiter,
    /// User codes that are none, per user and per address.
    user_codes: Limiter,
}

impl OAuthLimits {
    pub(crate) fn new(limits: &Limits) -> anyhow::Result<Self> {
        let limiter = |name, routes, key, burst, per_s| {
            let quota = Quota::new(burst, Duration::from_secs(per_s)).context("a limit is zero")?;
            anyhow::Ok(limits.limiter(About { name, routes, key }, quota))
        };
        const CLIENTS: &[&str] = &["POST /oauth/token", "POST /oauth/introspect", "POST /oauth/revoke"];
        const CODES: &[&str] = &["POST /api/v1/oauth/device/*"];
        Ok(Self {
            clients: limiter("identity.oauth-client", CLIENTS, "address", 100, 300)?,
            registrations: limiter(
                "identity.oauth-register",
                &["POST /oauth/register"],
                "address",
                20,
                3_600,
            )?,
            devices: limiter(
                "identity.oauth-device",
                &["POST /oauth/device_authorization"],
                "address",
                60,
                3_600,
            )?,
            user_codes: limiter("identity.oauth-user-code", CODES, "user, address", 10, 300)?,
        })
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

impl OAuthLimits {
    pub(crate) async fn take_registration(&self, address: Option<IpAddr>) -> Result<(), Error> {
        take(&self.registrations, address.map(network)).await
    }

    pub(crate) async fn take_device(&self, address: Option<IpAddr>) -> Result<(), Error> {
        take(&self.devices, address.map(network)).await
    }

    /// To be given back when the code was one.
    pub(crate) async fn take_user_code(&self, user: &str, address: Option<IpAddr>) -> Result<(), Error> {
        take(&self.user_codes, Some(user.to_owned())).await?;
        take(&self.user_codes, address.map(network)).await
    }

    pub(crate) async fn give_back_user_code(&self, user: &str, address: Option<IpAddr>) {
        self.user_codes.give_back(user, 1).await;
        if let Some(address) = address {
            self.user_codes.give_back(&network(address), 1).await;
        }
    }
}

async fn take(limiter: &Limiter, key: Option<String>) -> Result<(), Error> {
    let Some(key) = key else { return Ok(()) };
    let taken = limiter.check(&key, 1).await;
    taken.map(drop).map_err(|Refused { retry_after_s }| Error::TooManyAttempts { retry_after_s })
}
