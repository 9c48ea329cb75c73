//! Another MLflow server, as its clients see it.

use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use kernel::Secret;
use outbound::{Outbound, Upstream};
use serde_json::{Value, json};

use crate::{error::Error, model::Pair};

/// Where to import from, and what to show there.
pub(crate) struct Source {
    upstream: Upstream,
    base: String,
    /// `Bearer …` or `Basic …`
    authorization: Option<Secret<String>>,
}

fn failed(error: &outbound::Error) -> Error {
    Error::Foreign(error.to_string())
}

/// A member of an answer as text; numbers too.
pub(super) fn text(value: &Value, name: &str) -> String {
    match &value[name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

pub(super) fn filled(value: &Value, name: &str) -> Option<String> {
    Some(text(value, name)).filter(|text| !text.is_empty())
}

/// Numbers may come as texts.
pub(super) fn int(value: &Value, name: &str) -> Option<i64> {
    match &value[name] {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    }
}

/// JSON has no NaN and no infinities: they come as texts.
pub(super) fn float(value: &Value, name: &str) -> f64 {
    match &value[name] {
        Value::String(text) => match text.as_str() {
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            text => text.parse().unwrap_or(f64::NAN),
        },
        other => other.as_f64().unwrap_or(f64::NAN),
    }
}

pub(super) fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn pairs(value: &Value, name: &str) -> Vec<Pair> {
    let pair = |pair: &Value| Pair { key: text(pair, "key"), value: text(pair, "value") };
    list(value, name).iter().map(pair).collect()
}

/// A file of the other server.
#[derive(Debug, Clone)]
pub(super) struct File {
    /// Below the root that was listed.
    pub(super) path: String,
    pub(super) size_bytes: u64,
}

/// Pages of a search that are still to come.
pub(super) struct Pages<'s> {
    source: &'s Source,
    path: &'static str,
    body: Value,
    is_over: bool,
}

impl Pages<'_> {
    pub(super) async fn next(&mut self) -> Result<Option<Value>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let page = self.source.search(self.path, &self.body).await?;
        match filled(&page, "next_page_token") {
            Some(token) => self.body["page_token"] = json!(token),
            None => self.is_over = true,
        }
        Ok(Some(page))
    }
}

impl Source {
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

    fn shown(&self, call: outbound::Call) -> outbound::Call {
        match &self.authorization {
            Some(value) => call.secret_header("authorization", value.expose()),
            None => call,
        }
    }

    pub(super) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Error> {
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
    pub(super) async fn knows(&self, path: &str) -> Result<bool, Error> {
        let call = self.shown(self.upstream.post(self.address(path, &[])).json(&json!({})).idempotent());
        let answer = call.send().await.map_err(|error| failed(&error))?;
        Ok(!matches!(answer.status.as_u16(), 404 | 405))
    }

    /// Every page of a search, one after the other.
    pub(super) fn pages(&self, path: &'static str, body: Value) -> Pages<'_> {
        Pages { source: self, path, body, is_over: false }
    }

    /// The same for what is asked by a query.
    pub(super) async fn all(
        &self,
        path: &str,
        query: &[(&str, &str)],
        member: &str,
    ) -> Result<Vec<Value>, Error> {
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

    fn address(&self, path: &str, query: &[(&str, &str)]) -> String {
        let mut address = format!("{}{path}", self.base);
        if !query.is_empty() {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
            address.push('?');
            address.push_str(&query);
        }
        address
    }

    /// All files below a root, by a call that lists one folder.
    pub(super) async fn files(
        &self,
        path: &str,
        query: &[(&str, &str)],
        parameter: &str,
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
                    files.push(File { path, size_bytes: size_bytes.unwrap_or_default() });
                }
            }
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(files)
    }

    /// A file's bytes as they come.
    pub(super) async fn open(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<impl Stream<Item = Result<Bytes, Error>> + Send + use<>, Error> {
        let call = self.shown(self.upstream.get(self.address(path, query)));
        let answer = call.open().await.and_then(outbound::Pieces::success).map_err(|error| failed(&error))?;
        Ok(futures::stream::try_unfold(answer, |mut answer| async move {
            let piece = answer.next().await.map_err(|error| failed(&error))?;
            Ok(piece.map(|piece| (piece, answer)))
        }))
    }
}
