//! Lines of the log.

use std::{fmt, io::IsTerminal as _};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter, Layer,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::{JsonFields, Writer},
        time::{FormatTime as _, SystemTime},
    },
    registry::LookupSpan,
};

use crate::Error;

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

/// Checks the filter without setting anything up.
///
/// # Errors
///
/// [`Error::Filter`].
pub fn check_filter(filter: &str) -> Result<(), Error> {
    read_filter(filter).map(drop)
}

pub(crate) fn read_filter(filter: &str) -> Result<EnvFilter, Error> {
    EnvFilter::try_new(filter).map_err(|_| Error::Filter(filter.to_owned()))
}

pub(crate) fn layer<S>(format: Format) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
{
    let is_json = match format {
        Format::Auto => !std::io::stderr().is_terminal(),
        Format::Pretty => false,
        Format::Json => true,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    if is_json {
        lines.fmt_fields(JsonFields::new()).event_format(Flat).boxed()
    } else {
        lines.with_target(false).boxed()
    }
}

/// One flat JSON object a line: the event's own fields, and beneath them those of the spans around it, the inner ones
/// first. So `request.id` stands at the same place whoever logs.
pub struct Flat;

impl<S, N> FormatEvent<S, N> for Flat
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Map::new();
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        line.insert("timestamp".to_owned(), time.into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        line.insert("target".to_owned(), event.metadata().target().into());
        event.record(&mut Fields(&mut line));
        let mut spans = Vec::new();
        let scope = event.parent().and_then(|id| context.span(id)).or_else(|| context.lookup_current());
        for span in scope.iter().flat_map(|leaf| leaf.scope()) {
            spans.push(span.name());
            let extensions = span.extensions();
            let Some(text) = extensions.get::<FormattedFields<N>>() else { continue };
            let Ok(fields) = serde_json::from_str::<Map<String, Value>>(text) else { continue };
            for (name, value) in fields {
                // For the exporter alone.
                if !name.starts_with("otel.") {
                    line.entry(name).or_insert(value);
                }
            }
        }
        if !spans.is_empty() {
            spans.reverse();
            line.insert("span".to_owned(), spans.join(":").into());
        }
        let line = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{line}")
    }
}

struct Fields<'l>(&'l mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().trim_start_matches("r#").to_owned(), value);
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        // Durations in milliseconds are of this type, and fit.
        match u64::try_from(value) {
            Ok(value) => self.record_u64(field, value),
            Err(_) => self.put(field, value.to_string().into()),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(inner) = cause {
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        self.put(field, text.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt as _};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'w> MakeWriter<'w> for Kept {
        type Writer = Self;

        fn make_writer(&'w self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn a_line_is_one_flat_object_with_what_the_spans_know() {
        let kept = Kept::default();
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(kept.clone())
            .fmt_fields(JsonFields::new())
            .event_format(Flat);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            let request = tracing::info_span!(
                "request",
                request.id = "req_1",
                user.id = tracing::field::Empty,
                otel.kind = "server"
            );
            request.record("user.id", "usr_1");
            let _request = request.entered();
            let _call = tracing::info_span!("outbound", upstream = "models", attempts = 2).entered();
            tracing::warn!(attempts = 3, is_last = true, "quote \" and\nnew line");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        let mut line: Map<String, Value> = serde_json::from_str(&text).unwrap();
        assert!(line.remove("timestamp").unwrap().as_str().unwrap().ends_with('Z'));
        let expected = serde_json::json!({
            "level": "WARN",
            "target": "telemetry::logs::tests",
            "message": "quote \" and\nnew line",
            "attempts": 3,
            "is_last": true,
            "upstream": "models",
            "request.id": "req_1",
            "user.id": "usr_1",
            "span": "request:outbound",
        });
        assert_eq!(Value::Object(line), expected);
    }
}
