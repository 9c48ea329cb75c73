use std::{net::IpAddr, time::Duration};

use anyhow::Context as _;
use limits::{About, Limiter, Limits, Quota, Refused, network};

use crate::{config::Config, error::Error};

/// Failed proofs of a password, per account and per address. Successes are given back, so that a school behind one
/// address can sign in at once. Nobody is locked out for good: attempts come back evenly over time, and from an address
/// where the owner signed in before, the account has a bucket that strangers elsewhere cannot empty.
pub(super) struct Throttle {
    accounts: Limiter,
    addresses: Limiter,
    codes: Limiter,
}

/// The buckets of one attempt.
pub(super) struct Attempt {
    account: String,
    address: Option<String>,
}

impl Attempt {
    pub(super) fn new(account: &str, address: Option<IpAddr>, known_address: bool) -> Self {
        let network = address.map(network);
        let account = match &network {
            Some(network) if known_address => format!("{account} from {network}"),
            _ => account.to_owned(),
        };
        Self { account, address: network }
    }
}

const ROUTES: &[&str] = &[
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/session",
    "POST /api/v1/auth/password",
    "POST /api/v1/auth/second-factor",
    "POST /api/v1/auth/session/second-factor",
    "POST /api/v1/auth/session/passkey",
    "POST /api/v1/auth/confirm",
    "GET /api/v1/auth/providers/*/callback",
];

impl Throttle {
    pub(super) fn new(config: &Config, limits: &Limits) -> anyhow::Result<Self> {
        let window = Duration::from_secs(config.login_window_s.into());
        let codes = Duration::from_secs(config.second_factor_window_s.into());
        let limiter = |name, key, max, window| {
            let quota = Quota::new(max, window).context("the limits of identity must not be zero")?;
            anyhow::Ok(limits.limiter(About { name, routes: ROUTES, key }, quota))
        };
        Ok(Self {
            accounts: limiter("identity.login-account", "account", config.login_account_max, window)?,
            addresses: limiter("identity.login-address", "address", config.login_address_max, window)?,
            codes: limiter("identity.second-factor", "account", config.second_factor_max, codes)?,
        })
    }

    /// Takes one from each bucket, or from none.
    pub(super) async fn take(&self, attempt: &Attempt) -> Result<(), Error> {
        let refused = |Refused { retry_after_s }| Error::TooManyAttempts { retry_after_s };
        if let Some(address) = &attempt.address {
            self.addresses.check(address, 1).await.map_err(refused)?;
        }
        if let Err(error) = self.accounts.check(&attempt.account, 1).await {
            if let Some(address) = &attempt.address {
                self.addresses.give_back(address, 1).await;
            }
            return Err(refused(error));
        }
        Ok(())
    }

    /// For what is nobody's account yet.
    pub(super) async fn take_address(&self, address: Option<IpAddr>) -> Result<(), Error> {
        let refused = |Refused { retry_after_s }| Error::TooManyAttempts { retry_after_s };
        match address.map(network) {
            Some(network) => self.addresses.check(&network, 1).await.map(drop).map_err(refused),
            None => Ok(()),
        }
    }

    pub(super) async fn give_address_back(&self, address: Option<IpAddr>) {
        if let Some(network) = address.map(network) {
            self.addresses.give_back(&network, 1).await;
        }
    }

    /// Takes one of the account's guesses at a code of six digits, which are few a day.
    pub(super) async fn take_code(&self, attempt: &Attempt) -> Result<(), Error> {
        let refused = |Refused { retry_after_s }| Error::TooManyAttempts { retry_after_s };
        self.codes.check(&attempt.account, 1).await.map(drop).map_err(refused)
    }

    /// It was the right one.
    pub(super) async fn give_code_back(&self, attempt: &Attempt) {
        self.codes.give_back(&attempt.account, 1).await;
    }

    /// It was the owner.
    pub(super) async fn give_back(&self, attempt: &Attempt) {
        if let Some(address) = &attempt.address {
            self.addresses.give_back(address, 1).await;
        }
        self.accounts.give_back(&attempt.account, 1).await;
    }
}
