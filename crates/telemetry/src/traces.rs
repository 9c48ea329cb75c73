//! Spans to an OTLP receiver, over HTTP.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use kernel::Secret;
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider},
};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tracing::{Level, Subscriber};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::{
    filter::{DynFilterFn, dynamic_filter_fn},
    registry::LookupSpan,
};

use crate::Error;

/// Section `[traces]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// OTLP receiver, over HTTP with protobuf: `http://127.0.0.1:4318`; `/v1/traces` is added where there is no path. Empty
    /// (the default): no traces are made.
    pub url: String,
    /// Which part of the traces that begin here is sent, from 0 to 1; one that a caller began is as the caller says.
    /// Default 1.
    pub sample_ratio: f64,
    /// `service.name` of the traces. Default `socle`.
    pub service_name: String,
    /// More attributes of the service: `attributes = { "deployment.environment.name" = "production" }`. Default none.
    pub attributes: BTreeMap<String, String>,
    /// Headers that the receiver asks for: `headers = { authorization = "Bearer …" }`. Default none.
    pub headers: BTreeMap<String, Secret<String>>,
    /// How long one delivery may take, in milliseconds. Default 5000.
    pub timeout_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: String::new(),
            sample_ratio: 1.0,
            service_name: "socle".to_owned(),
            attributes: BTreeMap::new(),
            headers: BTreeMap::new(),
            timeout_ms: 5_000,
        }
    }
}

impl Config {
    /// Faults as `key: reason`.
    pub fn validate(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !self.url.is_empty() && self.endpoint().is_none() {
            faults.push("url: must be an address such as http://127.0.0.1:4318".to_owned());
        }
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            faults.push("sample_ratio: must be from 0 to 1".to_owned());
        }
        if self.service_name.trim().is_empty() {
            faults.push("service_name: must not be empty".to_owned());
        }
        if !(100..=60_000).contains(&self.timeout_ms) {
            faults.push("timeout_ms: must be from 100 to 60000".to_owned());
        }
        for (name, value) in &self.headers {
            let fine = http::HeaderName::try_from(name.as_str()).is_ok()
                && http::HeaderValue::from_str(value.expose()).is_ok();
            if !fine {
                faults.push(format!("headers: {name:?} cannot be a header"));
            }
        }
        faults
    }

    fn endpoint(&self) -> Option<String> {
        let uri: http::Uri = self.url.parse().ok()?;
        let is_web = matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
        if !is_web {
            return None;
        }
        let url = self.url.trim_end_matches('/');
        Some(if uri.path() == "/" { format!("{url}/v1/traces") } else { url.to_owned() })
    }
}

/// What goes to the receiver: spans and events of level INFO and above, but not those of the delivery itself.
///
/// Asked anew each time: where an answer is kept for a call site, tracing-subscriber does not ask again, and takes what the
/// last `enabled!` of the same thread left (sqlx has one at each statement) for the answer, so that spans get lost.
pub(crate) fn filter<S>() -> DynFilterFn<S> {
    dynamic_filter_fn(|metadata, _| {
        let target = metadata.target();
        *metadata.level() <= Level::INFO
            && !["opentelemetry", "hyper", "reqwest", "h2", "rustls"]
                .iter()
                .any(|part| target.starts_with(part))
    })
}

/// Sends spans in batches, from a thread of its own. What cannot be delivered is dropped, and said in the log.
#[derive(Debug)]
pub(crate) struct Exporter(SdkTracerProvider);

impl Exporter {
    /// `None` where no traces are wanted.
    pub(crate) fn new(config: &Config) -> Result<Option<Self>, Error> {
        if config.url.is_empty() {
            return Ok(None);
        }
        let failed = |error: &dyn std::fmt::Display| Error::Traces(error.to_string());
        let endpoint = config.endpoint().ok_or_else(|| failed(&"it is no web address"))?;
        let timeout = Duration::from_millis(config.timeout_ms);
        let runtime = Handle::try_current().map_err(|error| failed(&error))?;
        let client = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| failed(&error))?;
        let headers = config.headers.iter().map(|(name, value)| (name.clone(), value.expose().clone()));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client { runtime, client })
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .with_timeout(timeout)
            .with_headers(headers.collect())
            .build()
            .map_err(|error| failed(&error))?;
        let batches = BatchSpanProcessor::builder(exporter)
            .with_batch_config(
                BatchConfigBuilder::default()
                    .with_max_queue_size(8_192)
                    .with_scheduled_delay(Duration::from_secs(1))
                    .build(),
            )
            .build();
        let attributes = config
            .attributes
            .iter()
            .map(|(name, value)| KeyValue::new(name.clone(), value.clone()))
            .chain([KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))]);
        let resource = Resource::builder_empty()
            .with_attributes(attributes)
            .with_service_name(config.service_name.clone())
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(batches)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample_ratio))))
            .with_resource(resource)
            .build();
        Ok(Some(Self(provider)))
    }

    pub(crate) fn layer<S>(&self) -> OpenTelemetryLayer<S, SdkTracer>
    where
        S: Subscriber + for<'s> LookupSpan<'s>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("socle"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
    }

    /// Sends what is left.
    pub(crate) async fn stop(self) {
        const LIMIT: Duration = Duration::from_secs(3);
        // It waits for its thread, which needs this runtime to send.
        let stopped = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(LIMIT));
        match stopped.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last traces could not be sent"),
            Err(error) => tracing::warn!(%error, "the last traces could not be sent"),
        }
    }
}

/// The exporter's thread has no runtime, so requests run on ours.
#[derive(Debug)]
struct Client {
    runtime: Handle,
    client: reqwest::Client,
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let client = self.client.clone();
        self.runtime.spawn(async move { client.send_bytes(request).await }).await?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_where_there_is_none() {
        let check = |url: &str, expected: Option<&str>| {
            let config = Config { url: url.to_owned(), ..Config::default() };
            assert_eq!(config.endpoint().as_deref(), expected, "{url}");
        };
        check("http://127.0.0.1:4318", Some("http://127.0.0.1:4318/v1/traces"));
        check("http://127.0.0.1:4318/", Some("http://127.0.0.1:4318/v1/traces"));
        check("https://otlp.example.org/api/v1/traces", Some("https://otlp.example.org/api/v1/traces"));
        check("127.0.0.1:4318", None);
        check("ftp://a", None);
    }

    #[test]
    fn every_fault_is_told() {
        assert_eq!(Config::default().validate(), Vec::<String>::new());
        let wrong = Config {
            url: "nowhere".to_owned(),
            sample_ratio: 1.5,
            service_name: " ".to_owned(),
            headers: BTreeMap::from([("a b".to_owned(), Secret::new("c".to_owned()))]),
            timeout_ms: 0,
            ..Config::default()
        };
        assert_eq!(wrong.validate().len(), 5, "{:?}", wrong.validate());
    }
}
