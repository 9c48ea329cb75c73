//! What a table of runs may show: `/api/v1/ml/experiments/{id}/columns`, by the house's rules.

use axum::extract::State;
use kernel::{FieldError, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Cursor, Feed, Json, OpenApiRouter, Path, Query, routes};

use crate::{
    error::Error,
    model::ColumnKind,
    permissions::ReadRuns,
    service::{Column, ColumnQuery, Ml},
};

pub(super) fn routes(ml: Ml) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list)).with_state(ml)
}

const LIMIT_MAX: u32 = 1_000;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// 1 to 1000, 100 unless told.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    kind: Option<ColumnKind>,
    /// Part of the key, whatever its capitals.
    text: Option<String>,
}

impl Listing {
    fn query(self) -> Result<ColumnQuery, Problem> {
        let fault = |field: &str, told: &str| {
            Problem::bad_request("invalid-query", format!("{field} {told}"))
                .with_errors(vec![FieldError::new(field, told)])
        };
        let limit = self.limit.unwrap_or(100);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(fault("limit", "must be from 1 to 1000"));
        }
        if self.text.as_ref().is_some_and(|text| text.chars().count() > 200) {
            return Err(fault("text", "must be at most 200 characters"));
        }
        Ok(ColumnQuery {
            kind: self.kind,
            part: self.text.filter(|text| !text.is_empty()),
            after: self.cursor.as_ref().map(Cursor::decode).transpose()?,
            limit: limit as usize,
        })
    }
}

/// A metric, param or tag that runs of the experiment have.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunColumn)]
pub(super) struct ColumnBody {
    kind: ColumnKind,
    key: String,
}

impl From<Column> for ColumnBody {
    fn from(Column { kind, key }: Column) -> Self {
        Self { kind, key }
    }
}

/// What the runs of an experiment have: metrics, then params, then tags, each by their keys. `runs/search` of MLflow's API
/// takes them as `columns` (`["metrics.loss", "params.lr"]`) and then gives nothing else of each run.
#[utoipa::path(get, path = "/api/v1/ml/experiments/{id}/columns", tag = "ml", operation_id = "list_run_columns",
    params(("id" = String, Path, description = "The experiment's number"), Listing),
    responses((status = 200, body = Feed<ColumnBody>)))]
pub(super) async fn list(
    State(ml): State<Ml>,
    Allowed(allow): Allowed<ReadRuns>,
    Path(id): Path<String>,
    Query(listing): Query<Listing>,
) -> web::Result<Json<Feed<ColumnBody>>> {
    // What is no number is no experiment's: not there, as with every id of this API.
    if id.parse::<i64>().is_err() {
        return Err(Error::not_found(format!("there is no experiment {id}")).into());
    }
    let columns = ml.list_columns(&allow, &id, &listing.query()?).await?;
    Ok(Json(columns.map(ColumnBody::from)))
}
