//! Another MLflow server, as its clients see it.

use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream::BoxStream};
use kernel::Secret;
use outbound::{Outbound, Upstream};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{At, File, Files, Owner, filled, float, int, list, pairs, text};
use crate::{
    error::Error,
    model::{PROMPT_TAG, Point},
};

pub(crate) struct Server {
    upstream: Upstream,
    base: String,
    /// `Bearer …` or `Basic …`
    authorization: Option<Secret<String>>,
}

const TRACES: &str = "/api/3.0/mlflow/traces/search";
const LOGGED_MODELS: &str = "/api/2.0/mlflow/logged-models/search";
/// What of a path is not written as it is.
const AS_PATH: AsciiSet = NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');

fn failed(error: &outbound::Error) -> Error {
    Error::Foreign(error.to_string())
}

/// Pages of a search that are still to come.
pub(in super::super) struct Pages<'s> {
    server: &'s Server,
    path: &'static str,
    member: &'static str,
    body: Value,
    is_over: bool,
}

impl Pages<'_> {
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Value>>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let page = self.server.search(self.path, &self.body).await?;
        match filled(&page, "next_page_token") {
            Some(token) => self.body["page_token"] = json!(token),
            None => self.is_over = true,
        }
        Ok(Some(list(&page, self.member).to_vec()))
    }

    async fn all(mut self) -> Result<Vec<Value>, Error> {
        let mut found = Vec::new();
        while let Some(page) = self.next().await? {
            found.extend(page);
        }
        Ok(found)
    }
}

impl Server {
    pub(crate) fn new(outbound: &Outbound, base: &str, authorization: Option<Secret<String>>) -> Self {
        // An administrator names it on the command line, and files are as large as they are.
        let upstream = outbound.to("mlflow").with(|policy| {
            policy.private_allowed = true;
            policy.bytes_max = u64::MAX;
            policy.timeout = Duration::from_secs(120);
            policy.total_timeout = Duration::from_secs(600);
        });
        Self { upstream, base: base.trim_end_matches('/').to_owned(), authorization }
    }

    pub(super) async fn experiments(&self) -> Result<Vec<Value>, Error> {
        let body = json!({ "max_results": 1_000, "view_type": "ALL", "order_by": ["experiment_id ASC"] });
        self.pages("/api/2.0/mlflow/experiments/search", "experiments", body).all().await
    }

    /// Those before MLflow 3 have none that can be read.
    pub(super) async fn has_traces(&self) -> Result<bool, Error> {
        self.knows(TRACES).await
    }

    pub(super) fn runs(&self, experiment: &str) -> Pages<'_> {
        let body = json!({
            "experiment_ids": [experiment],
            "run_view_type": "ALL",
            "max_results": 200,
            "order_by": ["attributes.start_time ASC"],
        });
        self.pages("/api/2.0/mlflow/runs/search", "runs", body)
    }

    pub(super) async fn points(&self, run_id: &str, key: &str) -> Result<Vec<Point>, Error> {
        let query = [("run_id", run_id), ("metric_key", key), ("max_results", "25000")];
        let found = self.all("/api/2.0/mlflow/metrics/get-history", &query, "metrics").await?;
        let point = |point: &Value| {
            let (at_ms, step) = (int(point, "timestamp"), int(point, "step"));
            Point::new(at_ms.unwrap_or_default(), step.unwrap_or_default(), float(point, "value"))
        };
        Ok(found.iter().map(point).collect())
    }

    /// Servers before MLflow 3 have none.
    pub(super) async fn logged_models(&self, experiment: &str) -> Result<Vec<Value>, Error> {
        let body = json!({ "experiment_ids": [experiment], "max_results": 50 });
        match self.pages(LOGGED_MODELS, "models", body).all().await {
            Err(Error::Foreign(told)) if told.contains("404") => Ok(Vec::new()),
            found => found,
        }
    }

    pub(super) async fn registered_models(&self) -> Result<Vec<Value>, Error> {
        let path = "/api/2.0/mlflow/registered-models/search";
        let prompts = format!("tags.`{PROMPT_TAG}` = 'true'");
        let mut found = self.all(path, &[("max_results", "100")], "registered_models").await?;
        let query = [("max_results", "100"), ("filter", prompts.as_str())];
        found.extend(self.all(path, &query, "registered_models").await?);
        Ok(found)
    }

    pub(super) async fn versions(&self, model: &Value) -> Result<Vec<Value>, Error> {
        let name = text(model, "name");
        // The name stands in quotes; one with a quote of its own is asked for by both.
        let quote = if name.contains('\'') { '"' } else { '\'' };
        let of_name = format!("name = {quote}{name}{quote}");
        let is_prompt = pairs(model, "tags").iter().any(|tag| tag.key == PROMPT_TAG && tag.value == "true");
        let filter = if is_prompt { format!("{of_name} AND tags.`{PROMPT_TAG}` = 'true'") } else { of_name };
        let query = [("filter", filter.as_str()), ("max_results", "1000")];
        self.all("/api/2.0/mlflow/model-versions/search", &query, "model_versions").await
    }

    pub(super) fn traces(&self, experiment: &str) -> Pages<'_> {
        let location =
            json!({ "type": "MLFLOW_EXPERIMENT", "mlflow_experiment": { "experiment_id": experiment } });
        let body = json!({ "locations": [location], "max_results": 100, "order_by": ["timestamp_ms ASC"] });
        self.pages(TRACES, "traces", body)
    }

    pub(super) async fn whole_traces(&self, ids: &[&str]) -> Result<Vec<Value>, Error> {
        let query: Vec<_> = ids.iter().map(|id| ("trace_ids", *id)).collect();
        let found = self.get("/api/3.0/mlflow/traces/batchGet", &query).await?;
        Ok(list(&found, "traces").to_vec())
    }

    pub(super) async fn files(&self, owner: Owner<'_>, address: &str) -> Result<Files, Error> {
        match owner {
            Owner::Run(run_id) => {
                let open = |path: &str| {
                    let query = vec![("run_id", run_id.to_owned()), ("path", path.to_owned())];
                    At::Address("/get-artifact".to_owned(), query)
                };
                let query = [("run_id", run_id)];
                let files = self.listed("/api/2.0/mlflow/artifacts/list", &query, "path", open).await?;
                Ok(Files::Listed(files))
            }
            Owner::Model(model_id) => {
                let root = address.strip_prefix("mlflow-artifacts:/").map(|root| root.trim_matches('/'));
                let open = |path: &str| {
                    let below = format!("{}/{path}", root.unwrap_or_default());
                    let path = utf8_percent_encode(&below, &AS_PATH).to_string();
                    At::Address(format!("/api/2.0/mlflow-artifacts/artifacts/{path}"), Vec::new())
                };
                let path = format!("/api/2.0/mlflow/logged-models/{model_id}/artifacts/directories");
                let files = self.listed(&path, &[], "artifact_directory_path", open).await?;
                Ok(match root {
                    None if !files.is_empty() => Files::Elsewhere(format!("they are at {address}")),
                    _ => Files::Listed(files),
                })
            }
        }
    }

    /// All files below a root, by a call that lists one folder.
    async fn listed(
        &self,
        path: &str,
        query: &[(&str, &str)],
        parameter: &str,
        open: impl Fn(&str) -> At,
    ) -> Result<Vec<File>, Error> {
        let mut files = Vec::new();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            let mut query = query.to_vec();
            if !folder.is_empty() {
                query.push((parameter, &folder));
            }
            let listed = self.get(path, &query).await?;
            for entry in list(&listed, "files") {
                let path = text(entry, "path");
                if entry["is_dir"].as_bool().unwrap_or(false) {
                    folders.push(path);
                } else {
                    let size_bytes = int(entry, "file_size").and_then(|size| u64::try_from(size).ok());
                    let at = open(&path);
                    files.push(File { path, size_bytes: size_bytes.unwrap_or_default(), at });
                }
            }
        }
        Ok(files)
    }

    pub(super) async fn open(
        &self,
        path: &str,
        query: &[(&'static str, String)],
    ) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
        let query: Vec<_> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let call = self.shown(self.upstream.get(self.address(path, &query)));
        let answer = call.open().await.and_then(outbound::Pieces::success).map_err(|error| failed(&error))?;
        let pieces = futures::stream::try_unfold(answer, |mut answer| async move {
            let piece = answer.next().await.map_err(|error| failed(&error))?;
            Ok(piece.map(|piece| (piece, answer)))
        });
        Ok(pieces.boxed())
    }

    fn shown(&self, call: outbound::Call) -> outbound::Call {
        match &self.authorization {
            Some(value) => call.secret_header("authorization", value.expose()),
            None => call,
        }
    }

    fn address(&self, path: &str, query: &[(&str, &str)]) -> String {
        let mut address = format!("{}{path}", self.base);
        if !query.is_empty() {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
            address.push('?');
            address.push_str(&query);
        }
        address
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Error> {
        let call = self.shown(self.upstream.get(self.address(path, query)));
        let answer = call.send().await.and_then(outbound::Answer::success).map_err(|error| failed(&error))?;
        answer.json().map_err(|error| failed(&error))
    }

    /// Searches change nothing: they may be tried again.
    async fn search(&self, path: &str, body: &Value) -> Result<Value, Error> {
        let call = self.shown(self.upstream.post(self.address(path, &[])).json(body).idempotent());
        let answer = call.send().await.and_then(outbound::Answer::success).map_err(|error| failed(&error))?;
        answer.json().map_err(|error| failed(&error))
    }

    /// Whether there is something at this path, whatever it says to an empty call.
    async fn knows(&self, path: &str) -> Result<bool, Error> {
        let call = self.shown(self.upstream.post(self.address(path, &[])).json(&json!({})).idempotent());
        let answer = call.send().await.map_err(|error| failed(&error))?;
        Ok(!matches!(answer.status.as_u16(), 404 | 405))
    }

    fn pages(&self, path: &'static str, member: &'static str, body: Value) -> Pages<'_> {
        Pages { server: self, path, member, body, is_over: false }
    }

    /// Every page of what is asked by a query.
    async fn all(&self, path: &str, query: &[(&str, &str)], member: &str) -> Result<Vec<Value>, Error> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut query = query.to_vec();
            if let Some(token) = &token {
                query.push(("page_token", token));
            }
            let page = self.get(path, &query).await?;
            found.extend_from_slice(list(&page, member));
            token = filled(&page, "next_page_token");
            if token.is_none() {
                return Ok(found);
            }
        }
    }
}
