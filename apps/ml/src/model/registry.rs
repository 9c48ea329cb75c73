use super::{
    path::{ArtifactPath, is_relative},
    run::{Metric, Pair},
};
use crate::error::Error;

/// Marks a registered model as a prompt. Searches leave prompts out unless they ask for this tag.
pub(crate) const PROMPT_TAG: &str = "mlflow.prompt.is_prompt";

/// Stages, from before there were aliases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    None,
    Staging,
    Production,
    Archived,
}

impl Stage {
    pub(crate) const ALL: [Self; 4] = [Self::None, Self::Staging, Self::Production, Self::Archived];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Staging => "Staging",
            Self::Production => "Production",
            Self::Archived => "Archived",
        }
    }

    /// Whatever the case.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|stage| stage.name().eq_ignore_ascii_case(text)).ok_or_else(|| {
            Error::invalid(format!(
                "Invalid Model Version stage: {text}. Value must be one of None, Staging, Production, Archived."
            ))
        })
    }

    pub(crate) fn is_active(self) -> bool {
        matches!(self, Self::Staging | Self::Production)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alias {
    pub(crate) alias: String,
    pub(crate) version: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct RegisteredModel {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) tags: Vec<Pair>,
    pub(crate) aliases: Vec<Alias>,
    /// Of each stage.
    pub(crate) latest: Vec<Version>,
}

#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) id: i64,
    pub(crate) model: i64,
    pub(crate) name: String,
    pub(crate) version: i64,
    pub(crate) stage: String,
    pub(crate) description: Option<String>,
    pub(crate) user_id: Option<String>,
    pub(crate) source: String,
    pub(crate) storage_location: String,
    pub(crate) run_id: Option<String>,
    pub(crate) run_link: Option<String>,
    pub(crate) logged_model: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) tags: Vec<Pair>,
    pub(crate) aliases: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoggedStatus {
    Pending,
    Ready,
    Failed,
}

impl LoggedStatus {
    const ALL: [Self; 3] = [Self::Pending, Self::Ready, Self::Failed];

    /// As it is kept and searched for.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Ready => "READY",
            Self::Failed => "FAILED",
        }
    }

    pub(crate) fn wire(self) -> &'static str {
        match self {
            Self::Pending => "LOGGED_MODEL_PENDING",
            Self::Ready => "LOGGED_MODEL_READY",
            Self::Failed => "LOGGED_MODEL_UPLOAD_FAILED",
        }
    }

    /// By any of its names, or by its number on the wire.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().enumerate().find_map(|(at, status)| {
            (status.name() == text || status.wire() == text || text.parse() == Ok(at + 1)).then_some(status)
        })
    }
}

#[derive(Debug, Clone)]
pub(crate) struct LoggedModel {
    pub(crate) id: i64,
    pub(crate) model_id: String,
    pub(crate) experiment: i64,
    pub(crate) number: i64,
    pub(crate) name: String,
    pub(crate) artifact_location: String,
    pub(crate) status: String,
    pub(crate) status_message: Option<String>,
    pub(crate) model_type: Option<String>,
    pub(crate) source_run_id: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) params: Vec<Pair>,
    pub(crate) tags: Vec<Pair>,
    pub(crate) metrics: Vec<LoggedMetric>,
    /// Names and versions that it was registered as.
    pub(crate) registrations: Vec<(String, i64)>,
}

#[derive(Debug, Clone)]
pub(crate) struct LoggedMetric {
    pub(crate) metric: Metric,
    pub(crate) run_id: String,
}

/// Where a version's files may be: nowhere on this machine's disk, and no path that climbs.
pub(crate) fn check_source(source: &str) -> Result<(), Error> {
    let refuse = || {
        Error::invalid(format!(
            "Invalid model version source: '{source}'. If supplying a source as an http, https, local file path, ftp, \
             objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references \
             present. Please provide an absolute path."
        ))
    };
    let is_local = || {
        Error::invalid(format!(
            "Invalid model version source: '{source}'. To use a local path as a model version source, the run_id request \
             parameter has to be specified and the local path has to be contained within the artifact directory of the \
             run specified by the run_id."
        ))
    };
    if source.contains('\0') || source.chars().count() > 500 * 8 {
        return Err(refuse());
    }
    let Some((scheme, rest)) = source.split_once(':').filter(|(scheme, _)| scheme.len() > 1) else {
        return Err(is_local());
    };
    if scheme.eq_ignore_ascii_case("file") {
        return Err(is_local());
    }
    let path = rest.trim_start_matches('/').split(['?', '#']).next().unwrap_or("");
    if is_relative(path) {
        return Err(refuse());
    }
    if matches!(scheme, "mlflow-artifacts" | "http" | "https" | "runs" | "models") {
        ArtifactPath::parse(path).map_err(|_| refuse())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_stay_off_the_servers_disk() {
        for (source, fine) in [
            ("runs:/abc/model", true),
            ("models:/m-1", true),
            ("mlflow-artifacts:/1/abc/artifacts/model", true),
            ("s3://bucket/path", true),
            ("gs://bucket//path", true),
            ("s3://bucket/../path", false),
            ("s3a://bucket/%2e%2e/path", false),
            ("ftp://host:88/./path", false),
            ("dummy-source", false),
            ("/etc/passwd", false),
            ("file:///etc", false),
            ("mlflow-artifacts:/1/../../x", false),
            ("mlflow-artifacts:/1/%2e%2e/x", false),
            ("C:/x", false),
        ] {
            assert_eq!(check_source(source).is_ok(), fine, "{source}");
        }
    }

    #[test]
    fn names_and_numbers_of_states_are_read() {
        assert_eq!(LoggedStatus::parse("2"), Some(LoggedStatus::Ready));
        assert_eq!(LoggedStatus::parse("LOGGED_MODEL_UPLOAD_FAILED"), Some(LoggedStatus::Failed));
        assert_eq!(LoggedStatus::parse("DONE"), None);
        assert_eq!(Stage::parse("production").unwrap(), Stage::Production);
        assert!(Stage::parse("Prod").is_err());
    }
}
