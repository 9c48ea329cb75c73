use std::{net::IpAddr, time::Duration};

use anyhow::Context as _;
use limits::{About, Limiter, Limits, Quota, Refused, network};

use crate::{config::Config, error::Error};

/// How often strangers may knock, beside the log-in (`throttle`): on all nodes together. What comes back comes back evenly,
/// and nothing here keeps an owner from signing in.
pub(super) struct Doors {
    by_address: Limiter,
    by_account: Limiter,
    refreshes: Limiter,
    first_runs: Limiter,
    strengths: Limiter,
}

/// What is asked for. Each has buckets of its own.
#[derive(Debug, Clone, Copy)]
pub(super) enum Door {
    Register,
    Forgot,
    Resend,
    ChangeEmail,
    /// A link that did not work.
    Link,
}

impl Door {
    fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Forgot => "forgot",
            Self::Resend => "resend",
            Self::ChangeEmail => "email",
            Self::Link => "link",
        }
    }
}

const ROUTES: &[&str] = &[
    "POST /api/v1/auth/register",
    "POST /api/v1/auth/forgot",
    "POST /api/v1/auth/verify",
    "POST /api/v1/auth/verify/resend",
    "POST /api/v1/auth/reset",
    "POST /api/v1/auth/email",
    "POST /api/v1/auth/email/confirm",
];
const MINUTE: Duration = Duration::from_secs(60);
/// Passwords whose strength one address may ask for in a minute: a field asks at each pause of typing.
const STRENGTHS_MAX: u32 = 120;

fn refused(Refused { retry_after_s }: Refused) -> Error {
    Error::TooManyAttempts { retry_after_s }
}

impl Doors {
    pub(super) fn new(config: &Config, limits: &Limits) -> anyhow::Result<Self> {
        let limiter = |name, routes, key, max, window| {
            let quota = Quota::new(max, window).context("the limits of identity must not be zero")?;
            anyhow::Ok(limits.limiter(About { name, routes, key }, quota))
        };
        let window = Duration::from_secs(config.self_service_window_s.into());
        let max = config.self_service_max;
        let login_window = Duration::from_secs(config.login_window_s.into());
        let refresh = &["POST /api/v1/auth/refresh"];
        let first_run = &["POST /api/v1/auth/first-run"];
        let strength = &["POST /api/v1/auth/password/strength"];
        Ok(Self {
            by_address: limiter("identity.self-service-address", ROUTES, "address", max, window)?,
            by_account: limiter("identity.self-service-account", ROUTES, "account", max, window)?,
            refreshes: limiter("identity.refresh", refresh, "session", config.refresh_max, MINUTE)?,
            first_runs: limiter(
                "identity.first-run",
                first_run,
                "address",
                config.login_address_max,
                login_window,
            )?,
            strengths: limiter("identity.password-strength", strength, "address", STRENGTHS_MAX, MINUTE)?,
        })
    }

    /// Takes one from the bucket of the address and of the account, or from none.
    pub(super) async fn take(&self, door: Door, address: Option<IpAddr>, account: &str) -> Result<(), Error> {
        let address = address.map(|address| key(door, &network(address)));
        if let Some(address) = &address {
            self.by_address.check(address, 1).await.map_err(refused)?;
        }
        if let Err(error) = self.by_account.check(&key(door, account), 1).await {
            if let Some(address) = &address {
                self.by_address.give_back(address, 1).await;
            }
            return Err(refused(error));
        }
        Ok(())
    }

    /// What was asked for was refused for its form: it may be mended and sent again.
    pub(super) async fn give_back(&self, door: Door, address: Option<IpAddr>, account: &str) {
        if let Some(address) = address {
            self.by_address.give_back(&key(door, &network(address)), 1).await;
        }
        self.by_account.give_back(&key(door, account), 1).await;
    }

    /// A link is tried: taken before, given back where it works.
    pub(super) async fn try_link(&self, address: Option<IpAddr>) -> Result<(), Error> {
        let Some(address) = address else { return Ok(()) };
        self.by_address.check(&key(Door::Link, &network(address)), 1).await.map(drop).map_err(refused)
    }

    /// The link worked, or was not what was wrong.
    pub(super) async fn link_worked(&self, address: Option<IpAddr>) {
        if let Some(address) = address {
            self.by_address.give_back(&key(Door::Link, &network(address)), 1).await;
        }
    }

    /// `session` is that of the token, or of nobody.
    pub(super) async fn refresh(&self, session: Option<&str>, address: Option<IpAddr>) -> Result<(), Error> {
        let key = match (session, address) {
            (Some(session), _) => session.to_owned(),
            (None, Some(address)) => network(address),
            (None, None) => return Ok(()),
        };
        self.refreshes.check(&key, 1).await.map(drop).map_err(refused)
    }

    pub(super) async fn first_run(&self, address: Option<IpAddr>) -> Result<(), Error> {
        let Some(address) = address else { return Ok(()) };
        self.first_runs.check(&network(address), 1).await.map(drop).map_err(refused)
    }

    pub(super) async fn strength(&self, address: Option<IpAddr>) -> Result<(), Error> {
        let Some(address) = address else { return Ok(()) };
        self.strengths.check(&network(address), 1).await.map(drop).map_err(refused)
    }
}

fn key(door: Door, whose: &str) -> String {
    format!("{} {whose}", door.name())
}
