use kernel::Allow;
use serde::{Deserialize, Serialize};
use web::Feed;

use super::{Ml, experiments};
use crate::{error::Error, model::ColumnKind, permissions::ReadRuns, store};

/// Something that runs of an experiment have, or had before they were deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Column {
    pub(crate) kind: ColumnKind,
    pub(crate) key: String,
}

/// Which columns.
#[derive(Debug)]
pub(crate) struct ColumnQuery {
    pub(crate) kind: Option<ColumnKind>,
    /// Part of the key.
    pub(crate) part: Option<String>,
    /// The last one of the page before.
    pub(crate) after: Option<Column>,
    pub(crate) limit: usize,
}

impl Ml {
    /// What the runs of an experiment have: metrics, then params, then tags, each by their keys.
    pub(crate) async fn list_columns(
        &self,
        allow: &Allow<ReadRuns>,
        experiment: &str,
        query: &ColumnQuery,
    ) -> Result<Feed<Column>, Error> {
        let ColumnQuery { kind, part, after, limit } = query;
        let has_zero = |text: &str| text.contains('\0');
        if part.as_deref().is_some_and(has_zero) || after.as_ref().is_some_and(|after| has_zero(&after.key)) {
            return Ok(Feed::new(Vec::new(), *limit, Column::clone));
        }
        let mut tx = self.db.read().await?;
        let experiment = experiments::get(&mut tx, allow, experiment).await?;
        let mut found = Vec::new();
        let kinds = ColumnKind::ALL.into_iter().filter(|one| kind.is_none_or(|kind| kind == *one));
        for kind in kinds.filter(|kind| after.as_ref().is_none_or(|after| *kind >= after.kind)) {
            let begin = after.as_ref().filter(|after| after.kind == kind).map_or("", |after| &after.key);
            let left = i64::try_from(limit + 1 - found.len()).unwrap_or(i64::MAX);
            let keys =
                store::columns::list(&mut tx, kind, experiment.id, begin, part.as_deref(), left).await?;
            found.extend(keys.into_iter().map(|key| Column { kind, key }));
            if found.len() > *limit {
                break;
            }
        }
        Ok(Feed::new(found, *limit, Column::clone))
    }
}
