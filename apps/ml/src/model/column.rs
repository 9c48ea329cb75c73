use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::Error;

/// What runs keep under keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = RunColumnKind)]
pub(crate) enum ColumnKind {
    Metric,
    Param,
    Tag,
}

impl ColumnKind {
    pub(crate) const ALL: [Self; 3] = [Self::Metric, Self::Param, Self::Tag];
}

/// The metrics, params and tags that a list gives of each run.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) metrics: Vec<String>,
    pub(crate) params: Vec<String>,
    pub(crate) tags: Vec<String>,
}

impl Columns {
    /// Columns of one list at most.
    pub(crate) const MAX: usize = 1_000;

    /// Names such as `metrics.loss`: what stands behind the first point is the key as it was logged.
    pub(crate) fn parse(names: &[String]) -> Result<Self, Error> {
        if names.len() > Self::MAX {
            return Err(Error::invalid(format!("'columns' may name {} columns at most.", Self::MAX)));
        }
        let mut columns = Self::default();
        for name in names {
            match name.split_once('.').filter(|(_, key)| !key.contains('\0')) {
                Some(("metrics", key)) => columns.metrics.push(key.to_owned()),
                Some(("params", key)) => columns.params.push(key.to_owned()),
                Some(("tags", key)) => columns.tags.push(key.to_owned()),
                _ => {
                    let shown: String = name.chars().take(200).collect();
                    return Err(Error::invalid(format!(
                        "Invalid column '{shown}' in 'columns'. Name it as 'metrics.<key>', 'params.<key>' or 'tags.<key>'."
                    )));
                }
            }
        }
        Ok(columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_by_kind_and_key() {
        let parse =
            |names: &[&str]| Columns::parse(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        let columns =
            parse(&["metrics.val/loss.mean", "params.a b", "tags.mlflow.user", "metrics.x"]).expect("names");
        assert_eq!(columns.metrics, ["val/loss.mean", "x"]);
        assert_eq!((columns.params, columns.tags), (vec!["a b".to_owned()], vec!["mlflow.user".to_owned()]));
        assert_eq!(parse(&[]).expect("none"), Columns::default());
        for wrong in ["loss", "attributes.status", "metrics.a\0", ""] {
            assert!(parse(&[wrong]).is_err(), "{wrong}");
        }
        assert!(parse(&["metrics.x"; Columns::MAX + 1]).is_err());
    }
}
