//! Traces with their spans and what was thought of them. Spans come first: a trace that is told of here is here whole.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use kernel::{Allow, Timestamp};
use serde_json::{Map, Value, json};

use super::{Imported, Source, filled, int, list, text};
use crate::{
    error::Error,
    model::{
        Experiment, Pair,
        trace::{Assessment, Span, TOLD_KEY, Trace, plain, preview, state, unquoted},
    },
    permissions::WriteRuns,
    service::Ml,
    store,
};

/// Traces that are asked for at once, with all their spans.
const AT_ONCE: usize = 20;

impl Ml {
    pub(super) async fn import_traces(
        &self,
        allow: &Allow<WriteRuns>,
        source: &Source,
        experiment: &Value,
        ours: &Experiment,
        imported: &mut Imported,
    ) -> Result<(), Error> {
        let mut pages = source.traces(&text(experiment, "experiment_id"));
        while let Some(page) = pages.next().await? {
            for some in page.chunks(AT_ONCE) {
                self.import_some(allow, source, some, ours, imported).await?;
            }
        }
        Ok(())
    }

    async fn import_some(
        &self,
        allow: &Allow<WriteRuns>,
        source: &Source,
        theirs: &[Value],
        experiment: &Experiment,
        imported: &mut Imported,
    ) -> Result<(), Error> {
        let ids: Vec<String> = theirs.iter().map(|info| text(info, "trace_id")).collect();
        let names: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut tx = self.db.read().await?;
        let here = store::traces::list(&mut tx, allow.workspace, &names).await?;
        drop(tx);
        let is_missing = |id: &&str| !here.iter().any(|trace| trace.is_told && trace.trace_id == **id);
        let missing: Vec<&str> = names.iter().copied().filter(is_missing).collect();
        imported.saw("traces", theirs.len() as u64, 0);
        if missing.is_empty() {
            return Ok(());
        }
        if experiment.is_deleted {
            imported.left_out.push(format!(
                "{} traces of the experiment {}: it is deleted here",
                missing.len(),
                experiment.name
            ));
            return Ok(());
        }
        let found = source.whole_traces(&missing).await?;
        for info in theirs.iter().filter(|info| missing.contains(&text(info, "trace_id").as_str())) {
            let id = text(info, "trace_id");
            let whole = found.iter().find(|one| text(&one["trace_info"], "trace_id") == id);
            let none = Value::Null;
            self.import_trace(allow, info, whole.unwrap_or(&none), experiment, imported).await?;
        }
        Ok(())
    }

    async fn import_trace(
        &self,
        allow: &Allow<WriteRuns>,
        info: &Value,
        whole: &Value,
        experiment: &Experiment,
        imported: &mut Imported,
    ) -> Result<(), Error> {
        let theirs = list(whole, "spans");
        let number = experiment.number.to_string();
        let trace = trace(info, allow.now)?;
        let id = trace.trace_id.clone();
        let spans: Vec<Span> = theirs.iter().map(|span| of_content(&id, span)).collect();
        if let Some(unread) = int(whole, "unread").filter(|unread| *unread > 0) {
            imported.differs(format!("trace {id}: {unread} spans cannot be read"));
        }
        if spans.is_empty() && whole["is_whole"] != true {
            imported.left_out.push(format!("the spans of trace {id}: the other server keeps them elsewhere"));
        }
        if !spans.is_empty() {
            self.log_spans(allow, &number, None, &spans).await?;
            self.import_links(allow, &id, list(whole, "links")).await?;
        }
        self.tell_trace(allow, &number, trace).await?;
        if spans.is_empty() {
            self.import_links(allow, &id, list(whole, "links")).await?;
        }
        imported.saw("traces", 0, 1);
        imported.saw("spans", spans.len() as u64, spans.len() as u64);
        let mut tx = self.db.read().await?;
        let Some(ours) = store::traces::list(&mut tx, allow.workspace, &[&id]).await?.pop() else {
            imported.differs(format!("trace {id} is not here"));
            return Ok(());
        };
        let kept = store::traces::spans_of(&mut tx, &[ours.id]).await?;
        let mut check = |what: &str, there: usize, here: usize| {
            if there != here {
                imported.differs(format!("trace {id}: {there} {what} there, {here} here"));
            }
        };
        check("spans", theirs.len(), kept.get(&ours.id).map_or(0, Vec::len));
        check("assessments", list(info, "assessments").len(), ours.assessments.len());
        let told = map(info, "trace_metadata");
        check(
            "pieces of metadata",
            told.len(),
            told.iter().filter(|one| ours.metadata.contains(one)).count(),
        );
        Ok(())
    }
}

impl Ml {
    /// Runs and prompts that a trace was said to belong to by a later call.
    async fn import_links(
        &self,
        allow: &Allow<WriteRuns>,
        trace_id: &str,
        links: &[Value],
    ) -> Result<(), Error> {
        if links.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        for ours in store::traces::list(&mut tx, allow.workspace, &[trace_id]).await? {
            for kind in ["run", "prompt"] {
                let of_kind = links.iter().filter(|link| link["kind"] == kind);
                let links: Vec<_> = of_kind.map(|link| (ours.id, text(link, "target"))).collect();
                store::traces::link(&mut tx, &links, kind).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
}

fn map(info: &Value, name: &str) -> Vec<Pair> {
    let members = info[name].as_object().into_iter().flatten();
    members.map(|(key, value)| Pair { key: key.clone(), value: plain_text(value) }).collect()
}

fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What the other server says of a trace.
fn trace(info: &Value, now: Timestamp) -> Result<Trace, Error> {
    let trace_id = text(info, "trace_id");
    let foreign = |what: &str| Error::Foreign(format!("trace {trace_id} has no {what} that can be read"));
    let began: Timestamp = text(info, "request_time").parse().map_err(|_| foreign("time"))?;
    let lasted = filled(info, "execution_duration");
    let seconds =
        lasted.map(|text| text.trim_end_matches('s').parse::<f64>().map_err(|_| foreign("duration")));
    let assessment = |content: &Value| {
        let members = content.as_object().cloned().unwrap_or_default();
        let made = Assessment::new(text(content, "assessment_id"), &trace_id, members, &now.to_string())?;
        Ok(Assessment { is_valid: content["valid"].as_bool().unwrap_or(true), ..made })
    };
    let metadata = map(info, "trace_metadata");
    Ok(Trace {
        is_told: metadata.iter().any(|pair| pair.key == TOLD_KEY),
        request_ms: began.as_millisecond(),
        duration_ms: seconds.transpose()?.map(|seconds| (seconds * 1_000.0).round() as i64),
        state: state(&text(info, "state")).ok_or_else(|| foreign("state"))?.to_owned(),
        client_request_id: filled(info, "client_request_id").map(|text| preview(&text)),
        request_preview: filled(info, "request_preview").map(|text| preview(&text)),
        response_preview: filled(info, "response_preview").map(|text| preview(&text)),
        tags: map(info, "tags"),
        metadata,
        assessments: list(info, "assessments").iter().map(assessment).collect::<Result<_, Error>>()?,
        trace_id: trace_id.clone(),
        ..Trace::default()
    })
}

/// A span as protobuf's JSON has it: that is how it is kept, and what searches need is read from it.
fn of_content(trace_id: &str, content: &Value) -> Span {
    let without_nul = |text: &str| text.replace('\0', "");
    let mut attributes = Map::new();
    for pair in list(content, "attributes") {
        let value = &pair["value"];
        let shown = match value["string_value"].as_str() {
            Some(text) => text.to_owned(),
            None => plain(value).to_string(),
        };
        attributes.insert(without_nul(&text(pair, "key")), json!(without_nul(&shown)));
    }
    let kind = attributes.get("mlflow.spanType").and_then(Value::as_str);
    let end_ns = int(content, "end_time_unix_nano").filter(|end| *end > 0);
    Span {
        trace_id: trace_id.to_owned(),
        span_id: hex(&text(content, "span_id")),
        is_root: text(content, "parent_span_id").is_empty(),
        name: without_nul(&text(content, "name")),
        kind: kind.map_or_else(|| "UNKNOWN".to_owned(), |kind| without_nul(&unquoted(kind))),
        status: match text(&content["status"], "code").as_str() {
            "STATUS_CODE_OK" | "1" => "OK",
            "STATUS_CODE_ERROR" | "2" => "ERROR",
            _ => "UNSET",
        },
        start_ns: int(content, "start_time_unix_nano").unwrap_or_default(),
        end_ns,
        attributes,
        // The other server has made tags of it.
        resource: std::sync::Arc::default(),
        content: content.clone(),
    }
}

/// Bytes stand in base 64 there.
fn hex(text: &str) -> String {
    use std::fmt::Write as _;
    let bytes = BASE64.decode(text).unwrap_or_else(|_| text.as_bytes().to_vec());
    bytes.iter().fold(String::new(), |mut digits, byte| {
        // Writing to a text cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_they_are_kept() {
        let content = json!({
            "trace_id": "AAAA", "span_id": BASE64.encode([1, 171]), "name": "a\0b", "start_time_unix_nano": "5",
            "end_time_unix_nano": 9, "status": { "code": "STATUS_CODE_ERROR" },
            "attributes": [
                { "key": "mlflow.spanType", "value": { "string_value": "\"LLM\"" } },
                { "key": "n", "value": { "int_value": "7" } },
                { "key": "l", "value": { "array_value": { "values": [{ "bool_value": true }] } } },
                { "key": "m", "value": { "kvlist_value": { "values": [{ "key": "k", "value": { "string_value": "v" } }] } } },
            ],
        });
        let span = of_content("tr-1", &content);
        assert_eq!((span.span_id.as_str(), span.name.as_str(), span.kind.as_str()), ("01ab", "ab", "LLM"));
        assert_eq!((span.status, span.start_ns, span.end_ns, span.is_root), ("ERROR", 5, Some(9), true));
        assert_eq!(span.attribute("n"), Some("7"));
        assert_eq!(span.attribute("l"), Some("[true]"));
        assert_eq!(span.attribute("m"), Some("{\"k\":\"v\"}"));
        assert_eq!(span.content, content);
    }

    #[test]
    fn what_is_said_of_a_trace_is_read() {
        let info = json!({
            "trace_id": "tr-1", "request_time": "2026-01-01T00:00:00.250Z", "execution_duration": "1.5s", "state": "OK",
            "tags": { "a": "b" }, "trace_metadata": { "n": 1 },
            "assessments": [{ "assessment_id": "a-1", "assessment_name": "good", "feedback": { "value": 1 }, "valid": false }],
        });
        let read = trace(&info, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(
            (read.request_ms % 1_000, read.duration_ms, read.state.as_str()),
            (250, Some(1_500), "OK")
        );
        assert_eq!(read.metadata, [Pair { key: "n".to_owned(), value: "1".to_owned() }]);
        assert!(!read.assessments[0].is_valid);
        assert!(trace(&json!({ "trace_id": "tr-1", "request_time": "now" }), Timestamp::UNIX_EPOCH).is_err());
    }
}
