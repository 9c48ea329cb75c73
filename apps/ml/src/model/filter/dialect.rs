use super::Entity;
use crate::error::Error;

/// Whose search it is: what may be named, and how it may be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Runs,
    Experiments,
    RegisteredModels,
    ModelVersions,
    LoggedModels,
    Traces,
    EvaluationSets,
}

impl Dialect {
    /// The entity that the word before the dot names.
    pub(super) fn entity(self, word: &str) -> Result<Entity, Error> {
        let entity = match self {
            Self::Runs => match word {
                "metric" | "metrics" => Entity::Metric,
                "parameter" | "parameters" | "param" | "params" => Entity::Param,
                "tag" | "tags" => Entity::Tag,
                "attribute" | "attr" | "attributes" | "run" => Entity::Attribute,
                "dataset" | "datasets" => Entity::Dataset,
                _ => {
                    return Err(Error::invalid(format!(
                        "Invalid entity type '{word}'. Valid values are ['metric', 'parameter', 'tag', 'attribute', \
                         'dataset']"
                    )));
                }
            },
            Self::LoggedModels => match word {
                "metrics" => Entity::Metric,
                "params" => Entity::Param,
                "tags" => Entity::Tag,
                "attributes" => Entity::Attribute,
                _ => {
                    return Err(Error::invalid(format!(
                        "Invalid entity type: '{word}'. Expected one of ['attributes', 'metrics', 'params', 'tags']."
                    )));
                }
            },
            Self::Traces => match word {
                "tag" | "tags" => Entity::Tag,
                "attribute" | "attributes" | "trace" => Entity::Attribute,
                "request_metadata" | "metadata" => Entity::Metadata,
                "span" => Entity::Span,
                "feedback" => Entity::Feedback,
                "expectation" => Entity::Expectation,
                _ => {
                    return Err(Error::invalid(format!(
                        "Invalid entity type '{word}'. Valid values are ['tag', 'attribute', 'trace', 'request_metadata', \
                         'metadata', 'span', 'feedback', 'expectation']"
                    )));
                }
            },
            Self::EvaluationSets if word == "attributes" => Entity::Attribute,
            Self::Experiments | Self::RegisteredModels | Self::ModelVersions | Self::EvaluationSets => {
                match word {
                    "attribute" => Entity::Attribute,
                    "tag" | "tags" => Entity::Tag,
                    _ => {
                        return Err(Error::invalid(format!(
                            "Invalid entity type '{word}'. Valid entity types are ('attribute', 'tag', 'tags')"
                        )));
                    }
                }
            }
        };
        Ok(entity)
    }

    /// The attribute's own name; MLflow knows some under several.
    pub(super) fn attribute(self, name: &str) -> Result<&'static str, Error> {
        let known = match self {
            Self::Runs => match name {
                "created" | "Created" => Some("start_time"),
                "run name" | "Run name" | "Run Name" => Some("run_name"),
                _ => None,
            },
            Self::LoggedModels => match name {
                "creation_time" | "creation_timestamp" => Some("creation_timestamp"),
                "last_updated_time" | "last_updated_timestamp" => Some("last_updated_timestamp"),
                _ => None,
            },
            Self::Traces => match name {
                "timestamp" => Some("timestamp_ms"),
                "execution_time" => Some("execution_time_ms"),
                "end_time" => Some("end_time_ms"),
                "trace_id" => Some("request_id"),
                _ => None,
            },
            _ => None,
        };
        let found = known.or_else(|| self.attributes().iter().copied().find(|attribute| *attribute == name));
        found.ok_or_else(|| {
            Error::invalid(format!(
                "Invalid attribute key '{name}' specified. Valid keys are {:?}",
                self.attributes()
            ))
        })
    }

    fn attributes(self) -> &'static [&'static str] {
        match self {
            Self::Runs => {
                &["run_id", "run_name", "user_id", "status", "artifact_uri", "start_time", "end_time"]
            }
            Self::Experiments => &["name", "experiment_id", "creation_time", "last_update_time"],
            Self::RegisteredModels => &["name"],
            Self::ModelVersions => &["name", "version_number", "run_id", "source_path"],
            Self::LoggedModels => &[
                "name",
                "model_id",
                "model_type",
                "status",
                "source_run_id",
                "creation_timestamp",
                "last_updated_timestamp",
            ],
            Self::EvaluationSets => {
                &["name", "created_time", "last_update_time", "created_by", "last_updated_by"]
            }
            Self::Traces => &[
                "request_id",
                "timestamp_ms",
                "execution_time_ms",
                "end_time_ms",
                "status",
                "client_request_id",
                "name",
                "run_id",
                "prompt",
                "text",
            ],
        }
    }

    /// Attributes that lists are ordered by.
    pub(super) fn orderable(self) -> &'static [&'static str] {
        match self {
            Self::RegisteredModels => &["name", "timestamp", "last_updated_timestamp"],
            Self::ModelVersions => {
                &["name", "version_number", "creation_timestamp", "last_updated_timestamp"]
            }
            Self::EvaluationSets => &["name", "created_time", "last_update_time"],
            Self::Traces => &[
                "experiment_id",
                "request_id",
                "timestamp_ms",
                "execution_time_ms",
                "end_time_ms",
                "status",
                "name",
                "run_id",
            ],
            _ => self.attributes(),
        }
    }

    pub(super) fn is_number(self, attribute: &str) -> bool {
        matches!(
            attribute,
            "start_time"
                | "end_time"
                | "creation_time"
                | "created_time"
                | "last_update_time"
                | "version_number"
                | "creation_timestamp"
                | "last_updated_timestamp"
                | "timestamp_ms"
                | "execution_time_ms"
                | "end_time_ms"
        )
    }

    /// Whether `IN` is for it.
    pub(super) fn takes_list(self, entity: Entity, key: &str) -> bool {
        match (self, entity) {
            (Self::Runs, Entity::Dataset) => true,
            (Self::Runs, Entity::Attribute) => key == "run_id",
            (Self::Experiments, Entity::Attribute) => key == "experiment_id",
            (Self::RegisteredModels | Self::EvaluationSets, Entity::Attribute) => key == "name",
            (Self::ModelVersions, Entity::Attribute) => matches!(key, "name" | "run_id"),
            (Self::LoggedModels, Entity::Attribute) => !self.is_number(key),
            (Self::LoggedModels, entity) => matches!(entity, Entity::Param | Entity::Tag),
            (Self::Traces, Entity::Attribute) => {
                matches!(key, "name" | "status" | "request_id" | "run_id" | "client_request_id")
            }
            (Self::Traces, Entity::Span) => key != "content",
            _ => false,
        }
    }

    /// Whether `IS NULL` is for it.
    pub(super) fn takes_null(self, entity: Entity) -> bool {
        match self {
            Self::Runs => matches!(entity, Entity::Param | Entity::Tag),
            Self::Experiments => entity == Entity::Tag,
            Self::Traces => {
                matches!(entity, Entity::Tag | Entity::Metadata | Entity::Feedback | Entity::Expectation)
            }
            _ => false,
        }
    }
}
