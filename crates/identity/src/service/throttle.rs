use std::{net::IpAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use kernel::Clock;
use limits::{Limiter, Quota, Refused};

use crate::{config::Config, error::Error};

/// Failed proofs of a password, per account and per address. Successes are given back, so that a school behind one
/// address can sign in at once. Nobody is locked out for good: attempts come back evenly over time, and from an address
/// where the owner signed in before, the account has a bucket that strangers elsewhere cannot empty.
pub(super) struct Throttle {
    accounts: Limiter,
    addresses: Limiter,
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

/// Who has one IPv6 address has all of its /64.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

impl Throttle {
    pub(super) fn new(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        let window = Duration::from_secs(config.login_window_s.into());
        let limiter = |max| {
            let quota = Quota::new(max, window).context("the limits of identity must not be zero")?;
            anyhow::Ok(Limiter::new(quota, clock.clone()))
        };
        Ok(Self {
            accounts: limiter(config.login_account_max)?,
            addresses: limiter(config.login_address_max)?,
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

    /// It was the owner.
    pub(super) async fn give_back(&self, attempt: &Attempt) {
        if let Some(address) = &attempt.address {
            self.addresses.give_back(address, 1).await;
        }
        self.accounts.give_back(&attempt.account, 1).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_what_one_party_holds() {
        let check = |address: &str, expected: &str| assert_eq!(network(address.parse().unwrap()), expected);
        check("192.0.2.7", "192.0.2.7");
        check("::ffff:192.0.2.7", "192.0.2.7");
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64");
        check("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64");
    }
}
