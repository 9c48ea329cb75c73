use std::{path::PathBuf, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::{Error, machine::Machine};

/// The metrics of this process.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    /// Nothing where another one of this process has the facade.
    process: Option<(metrics_process::Collector, Machine)>,
}

/// What a metric is, for its `HELP` line and for the guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    pub kind: Kind,
    pub name: &'static str,
    pub help: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Metrics {
    /// Takes over the `metrics` facade for the process; can be done once. `data`: the folder whose disk is watched.
    ///
    /// # Errors
    ///
    /// When it was done before.
    pub fn start(data: PathBuf) -> Result<Self, Error> {
        let handle = builder()?.install_recorder().map_err(|error| Error::Metrics(error.to_string()))?;
        let collector = metrics_process::Collector::default();
        collector.describe();
        Ok(Self { handle, process: Some((collector, Machine::new(Some(data)))) })
    }

    /// Collects nothing by itself: for a second server in one process, as in tests.
    pub fn detached() -> Result<Self, Error> {
        Ok(Self { handle: builder()?.build_recorder().handle(), process: None })
    }

    /// Says what metrics mean.
    pub fn describe(&self, meanings: &[Meaning]) {
        for Meaning { kind, name, help } in meanings {
            match kind {
                Kind::Counter => metrics::describe_counter!(*name, *help),
                Kind::Gauge => metrics::describe_gauge!(*name, *help),
                Kind::Histogram => metrics::describe_histogram!(*name, *help),
            }
        }
    }

    /// The Prometheus text format, 0.0.4.
    pub fn render(&self) -> String {
        if let Some((collector, machine)) = &self.process {
            collector.collect();
            machine.record();
        }
        self.handle.render()
    }

    /// Must be called every few seconds, so that histograms do not grow.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    pub const UPKEEP: Duration = Duration::from_secs(5);
}

fn builder() -> Result<PrometheusBuilder, Error> {
    const SECONDS: [f64; 15] =
        [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];
    /// A job may take an hour.
    const LONG: [f64; 12] = [0.01, 0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0];
    let failed = |error: metrics_exporter_prometheus::BuildError| Error::Metrics(error.to_string());
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("jobs_duration_seconds".to_owned()), &LONG)
        .map_err(failed)?
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .map_err(failed)
}
