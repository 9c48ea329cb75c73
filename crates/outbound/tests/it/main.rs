//! Calls to real listeners on this machine that are slow, hang, break, answer too much, or lead astray.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod breaker;
mod guard;
mod limits;
mod retry;
mod upstream;

use outbound::{Config, Outbound};

/// A client that may call this machine.
pub(crate) fn outbound(change: impl FnOnce(&mut Config)) -> Outbound {
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut config = Config {
        timeout_ms: 2_000,
        total_timeout_ms: 10_000,
        private_allowed: vec!["127.0.0.1".to_owned()],
        ..Config::default()
    };
    change(&mut config);
    assert_eq!(config.validate(), Vec::<String>::new());
    Outbound::new(&config).unwrap()
}
