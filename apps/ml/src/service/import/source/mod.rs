//! Where an import reads: another MLflow server, or the database file that one left. Both tell what they have in the words
//! of MLflow's REST API, so that what becomes of it is written once.

mod database;
mod folder;
mod server;
mod spans;
mod traces;

use std::{fmt, path::PathBuf};

use bytes::Bytes;
use futures::stream::BoxStream;
use serde_json::Value;

pub(crate) use database::Database;
pub(crate) use server::Server;

use crate::{
    error::Error,
    model::{Pair, Point},
};

pub(crate) enum Source {
    Server(Server),
    Database(Database),
}

/// A file of the other server.
#[derive(Debug, Clone)]
pub(super) struct File {
    /// Below the root that was listed.
    pub(super) path: String,
    pub(super) size_bytes: u64,
    at: At,
}

#[derive(Debug, Clone)]
enum At {
    /// A path of the server, with its query.
    Address(String, Vec<(&'static str, String)>),
    Disk(PathBuf),
}

/// Whose files.
#[derive(Debug, Clone, Copy)]
pub(super) enum Owner<'a> {
    Run(&'a str),
    Model(&'a str),
}

impl fmt::Display for Owner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(run_id) => write!(f, "run {run_id}"),
            Self::Model(model_id) => write!(f, "logged model {model_id}"),
        }
    }
}

/// The files of a run or a logged model.
#[derive(Debug)]
pub(super) enum Files {
    Listed(Vec<File>),
    /// There are some, or may be; why they cannot be read.
    Elsewhere(String),
}

/// Runs or traces of an experiment, some at a time.
pub(super) enum Pages<'s> {
    Server(server::Pages<'s>),
    Database(database::Pages<'s>),
}

impl Pages<'_> {
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Value>>, Error> {
        match self {
            Self::Server(pages) => pages.next().await,
            Self::Database(pages) => pages.next().await,
        }
    }
}

impl Source {
    pub(super) async fn experiments(&self) -> Result<Vec<Value>, Error> {
        match self {
            Self::Server(server) => server.experiments().await,
            Self::Database(database) => database.experiments().await,
        }
    }

    pub(super) async fn has_traces(&self) -> Result<bool, Error> {
        match self {
            Self::Server(server) => server.has_traces().await,
            Self::Database(_) => Ok(true),
        }
    }

    /// What is there and is not read at all, in words.
    pub(super) async fn unread(&self) -> Result<Vec<String>, Error> {
        match self {
            Self::Server(_) => Ok(Vec::new()),
            Self::Database(database) => database.unread().await,
        }
    }

    pub(super) fn runs(&self, experiment: &str) -> Pages<'_> {
        match self {
            Self::Server(server) => Pages::Server(server.runs(experiment)),
            Self::Database(database) => Pages::Database(database.runs(experiment)),
        }
    }

    /// All points of a metric of a run.
    pub(super) async fn points(&self, run_id: &str, key: &str) -> Result<Vec<Point>, Error> {
        match self {
            Self::Server(server) => server.points(run_id, key).await,
            Self::Database(database) => database.points(run_id, key).await,
        }
    }

    pub(super) async fn logged_models(&self, experiment: &str) -> Result<Vec<Value>, Error> {
        match self {
            Self::Server(server) => server.logged_models(experiment).await,
            Self::Database(database) => database.logged_models(experiment).await,
        }
    }

    /// Prompts too.
    pub(super) async fn registered_models(&self) -> Result<Vec<Value>, Error> {
        match self {
            Self::Server(server) => server.registered_models().await,
            Self::Database(database) => database.registered_models().await,
        }
    }

    /// By their numbers.
    pub(super) async fn versions(&self, model: &Value) -> Result<Vec<Value>, Error> {
        let mut versions = match self {
            Self::Server(server) => server.versions(model).await?,
            Self::Database(database) => database.versions(model).await?,
        };
        versions.sort_by_key(|version| int(version, "version"));
        Ok(versions)
    }

    /// Without their spans.
    pub(super) fn traces(&self, experiment: &str) -> Pages<'_> {
        match self {
            Self::Server(server) => Pages::Server(server.traces(experiment)),
            Self::Database(database) => Pages::Database(database.traces(experiment)),
        }
    }

    /// Those traces again with their spans: `trace_info` and `spans`; from a database also `links`, which servers do not
    /// tell of, and whether these are all spans (`is_whole`, `unread`).
    pub(super) async fn whole_traces(&self, ids: &[&str]) -> Result<Vec<Value>, Error> {
        match self {
            Self::Server(server) => server.whole_traces(ids).await,
            Self::Database(database) => database.whole_traces(ids).await,
        }
    }

    /// `address` is where its files are, as the other server says.
    pub(super) async fn files(&self, owner: Owner<'_>, address: &str) -> Result<Files, Error> {
        let files = match self {
            Self::Server(server) => server.files(owner, address).await?,
            Self::Database(database) => database.files(address).await?,
        };
        Ok(match files {
            Files::Listed(mut files) => {
                files.sort_by(|one, other| one.path.cmp(&other.path));
                Files::Listed(files)
            }
            elsewhere @ Files::Elsewhere(_) => elsewhere,
        })
    }

    /// A file's bytes as they come.
    pub(super) async fn open(&self, file: &File) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
        match (self, &file.at) {
            (Self::Server(server), At::Address(path, query)) => server.open(path, query).await,
            (_, At::Disk(path)) => folder::open(path).await,
            (Self::Database(_), At::Address(..)) => {
                Err(Error::Foreign("a database has no addresses".to_owned()))
            }
        }
    }
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
