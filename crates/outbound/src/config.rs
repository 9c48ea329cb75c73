use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Policy, guard::Allowed};

/// Section `[outbound]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long a connection may take, name look-up and TLS included, in milliseconds. Default 5000.
    pub connect_timeout_ms: u64,
    /// How long one attempt may take to the end of its answer, in milliseconds. Default 10000.
    pub timeout_ms: u64,
    /// How long a call may take with all its attempts and the pauses between them, in milliseconds. Default 30000.
    pub total_timeout_ms: u64,
    /// Attempts of one call, if it may be repeated. Default 3.
    pub attempts: u32,
    /// Largest answer that is read, in bytes. Default 8388608 (8 MiB).
    pub bytes_max: u64,
    /// Calls to one upstream at a time. Default 32.
    pub concurrency_max: usize,
    /// How long a call waits for its place among those, in milliseconds. Default 1000.
    pub queue_timeout_ms: u64,
    /// Failures among the last 20 calls, half of them at least, that open an upstream's breaker. Default 5.
    pub breaker_failures: u32,
    /// How long a breaker stays open before one call may try again, in milliseconds; doubled each time that this fails, up
    /// to sixteenfold. Default 5000.
    pub breaker_open_ms: u64,
    /// What may be called although it is private: addresses, networks (`10.0.0.0/8`), names (`models.local`, `*.lan`).
    /// Default none.
    pub private_allowed: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout_ms: 5_000,
            timeout_ms: 10_000,
            total_timeout_ms: 30_000,
            attempts: 3,
            bytes_max: 8 * 1024 * 1024,
            concurrency_max: 32,
            queue_timeout_ms: 1_000,
            breaker_failures: 5,
            breaker_open_ms: 5_000,
            private_allowed: Vec::new(),
        }
    }
}

impl Config {
    /// Faults as `key: reason`.
    pub fn validate(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut require = |fine: bool, fault: &str| {
            if !fine {
                faults.push(fault.to_owned());
            }
        };
        let minutes_10 = 600_000;
        require(
            (1..=60_000).contains(&self.connect_timeout_ms),
            "connect_timeout_ms: must be from 1 to 60000",
        );
        let timeout_is_fine = (1..=minutes_10).contains(&self.timeout_ms);
        require(timeout_is_fine, "timeout_ms: must be from 1 to 600000");
        let least = if timeout_is_fine { self.timeout_ms } else { 1 };
        require(
            (least..=3_600_000).contains(&self.total_timeout_ms),
            "total_timeout_ms: must be from timeout_ms to 3600000",
        );
        require((1..=10).contains(&self.attempts), "attempts: must be from 1 to 10");
        require((1..=1 << 40).contains(&self.bytes_max), "bytes_max: must be from 1 to 1099511627776");
        require((1..=10_000).contains(&self.concurrency_max), "concurrency_max: must be from 1 to 10000");
        require(self.queue_timeout_ms <= minutes_10, "queue_timeout_ms: must be 600000 at most");
        require((1..=20).contains(&self.breaker_failures), "breaker_failures: must be from 1 to 20");
        require(
            (1..=minutes_10).contains(&self.breaker_open_ms),
            "breaker_open_ms: must be from 1 to 600000",
        );
        for entry in &self.private_allowed {
            if Allowed::parse(entry).is_none() {
                faults.push(format!(
                    "private_allowed: {entry:?} is no address, network or name; write it like 10.0.0.0/8, models.local or *.lan"
                ));
            }
        }
        faults
    }

    pub(crate) fn policy(&self) -> Policy {
        Policy {
            timeout: Duration::from_millis(self.timeout_ms),
            total_timeout: Duration::from_millis(self.total_timeout_ms),
            attempts: self.attempts,
            backoff_min: Duration::from_millis(200),
            backoff_max: Duration::from_secs(10),
            bytes_max: self.bytes_max,
            concurrency_max: self.concurrency_max,
            queue_timeout: Duration::from_millis(self.queue_timeout_ms),
            breaker_failures: self.breaker_failures,
            breaker_open: Duration::from_millis(self.breaker_open_ms),
            redirects: true,
            private_allowed: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told() {
        assert_eq!(Config::default().validate(), Vec::<String>::new());
        let wrong = Config {
            connect_timeout_ms: 0,
            timeout_ms: 0,
            total_timeout_ms: 0,
            attempts: 0,
            bytes_max: 0,
            concurrency_max: 0,
            queue_timeout_ms: u64::MAX,
            breaker_failures: 21,
            breaker_open_ms: 0,
            private_allowed: vec!["10.0.0.0/33".to_owned(), "10.0.0.0/8".to_owned()],
        };
        assert_eq!(wrong.validate().len(), 10, "{:?}", wrong.validate());
        // The default of the whole is not at fault when the part makes no sense.
        assert_eq!(Config { timeout_ms: 700_000, ..Config::default() }.validate().len(), 1);
    }
}
