//! Logs and metrics, set up once by the binary.
//!
//! Logs go to standard error: one line per event for people on a terminal, JSON elsewhere, with the fields of the
//! request's span (request, user, workspace, route). Metrics are collected by the `metrics` facade and read as text by
//! Prometheus at `/metrics`.

pub mod trace;

use std::{io::IsTerminal as _, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde::{Deserialize, Serialize};
use tracing_subscriber::{EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Section `[log]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What to log, in the form of `tracing`'s EnvFilter: `info`, or `info,surveillance=debug`. Default `info`.
    pub filter: String,
    /// `auto` (the default): pretty on a terminal, JSON elsewhere.
    pub format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    #[default]
    Auto,
    Pretty,
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: Format::default() }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("log.filter {0:?} is not a filter: write it like `info` or `info,surveillance=debug`")]
    Filter(String),
    #[error("{0}")]
    Metrics(String),
}

/// Checks the filter without setting anything up.
pub fn check_filter(filter: &str) -> Result<(), Error> {
    EnvFilter::try_new(filter).map(drop).map_err(|_| Error::Filter(filter.to_owned()))
}

/// Sends logs to standard error. A second call (as in tests) changes nothing.
pub fn start_logs(config: &Config) -> Result<(), Error> {
    let filter = EnvFilter::try_new(&config.filter).map_err(|_| Error::Filter(config.filter.clone()))?;
    let json = match config.format {
        Format::Auto => !std::io::stderr().is_terminal(),
        Format::Pretty => false,
        Format::Json => true,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines =
        if json { lines.json().flatten_event(true).boxed() } else { lines.with_target(false).boxed() };
    drop(tracing_subscriber::registry().with(lines.with_filter(filter)).try_init());
    Ok(())
}

/// The metrics of this process.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Takes over the `metrics` facade for the process; can be done once.
    pub fn start() -> Result<Self, Error> {
        let handle = builder()?.install_recorder().map_err(|error| Error::Metrics(error.to_string()))?;
        Ok(Self(handle))
    }

    /// Collects nothing by itself: for a second server in one process, as in tests.
    pub fn detached() -> Result<Self, Error> {
        Ok(Self(builder()?.build_recorder().handle()))
    }

    /// The Prometheus text format, 0.0.4.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Must be called every few seconds, so that histograms do not grow.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }

    pub const UPKEEP: Duration = Duration::from_secs(5);
}

fn builder() -> Result<PrometheusBuilder, Error> {
    const SECONDS: [f64; 14] =
        [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .map_err(|error| Error::Metrics(error.to_string()))
}
