//! Logs, traces and metrics, set up once by the binary.
//!
//! Logs go to standard error: one line per event for people on a terminal, JSON elsewhere ([`logs`]), with the fields of
//! the request's span (request, trace, user, workspace, route). Traces go to an OTLP receiver, if one is configured
//! ([`traces`]); where work stands in a trace is [`trace`]'s to say. Metrics are collected by the `metrics` facade and
//! read as text by Prometheus at `/metrics`.

pub mod logs;
mod machine;
mod metrics;
pub mod trace;
pub mod traces;

pub use self::{
    logs::{Config, Format, check_filter},
    metrics::{Kind, Meaning, Metrics},
    traces::Config as TracesConfig,
};

use tracing_subscriber::{Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("log.filter {0:?} is not a filter: write it like `info` or `info,surveillance=debug`")]
    Filter(String),
    #[error("{0}")]
    Metrics(String),
    #[error("traces cannot be sent to traces.url: {0}")]
    Traces(String),
}

/// What must be flushed before the process ends.
#[derive(Debug, Default)]
#[must_use = "spans that were not sent yet are lost without `stop`"]
pub struct Started {
    traces: Option<traces::Exporter>,
}

impl Started {
    /// Sends what is left, for a few seconds at most.
    pub async fn stop(self) {
        if let Some(traces) = self.traces {
            traces.stop().await;
        }
    }
}

/// Sends logs to standard error, and traces where they are wanted. A second call (as in tests) changes nothing. With
/// traces, it must be called on a runtime, after the TLS provider is set.
///
/// # Errors
///
/// When the filter is none, or the exporter cannot be made.
pub fn start(logs: &Config, traces: &TracesConfig) -> Result<Started, Error> {
    let Some(exporter) = traces::Exporter::new(traces)? else {
        start_logs(logs)?;
        return Ok(Started::default());
    };
    let lines = logs::layer(logs.format).with_filter(logs::read_filter(&logs.filter)?);
    let spans = exporter.layer().with_filter(traces::filter());
    if tracing_subscriber::registry().with(lines).with(spans).try_init().is_ok() {
        trace::turn_on();
    }
    Ok(Started { traces: Some(exporter) })
}

/// Logs alone.
///
/// # Errors
///
/// When the filter is none.
pub fn start_logs(config: &Config) -> Result<(), Error> {
    // One filter for all, and no filters of single layers: see `traces::filter` for what those can lose.
    let filter = logs::read_filter(&config.filter)?;
    drop(tracing_subscriber::registry().with(filter).with(logs::layer(config.format)).try_init());
    Ok(())
}
