//! Predictions: `/api/v1/ml/models/{name}/invocations`, by the house's rules; the bodies are those of MLflow's scoring
//! servers.

use axum::{
    extract::{DefaultBodyLimit, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderName, HeaderValue, header};
use kernel::Problem;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Json, OpenApiRouter, Path, Query, TypedBody, routes};

use crate::{
    model::{
        Stage,
        scoring::{Field, Schema},
    },
    permissions::InvokeModels,
    service::{Ml, Served, Which},
    worker::{Form, Port},
};

pub(super) fn routes(ml: Ml) -> OpenApiRouter {
    let max = usize::try_from(ml.config.serving_body_bytes_max).unwrap_or(usize::MAX);
    OpenApiRouter::new().routes(routes!(invoke, describe)).layer(DefaultBodyLimit::max(max)).with_state(ml)
}

/// Which version answered.
const VERSION: HeaderName = HeaderName::from_static("x-model-version");

/// At most one of them. Without any, the alias `champion`; without that, the newest version.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// The version's number.
    #[param(minimum = 1)]
    version: Option<i64>,
    /// The version that this alias points at.
    alias: Option<String>,
    /// The newest version in this stage: `Production`, `Staging`, `Archived`, `None`.
    stage: Option<String>,
}

impl Asked {
    fn which(self) -> web::Result<Which> {
        Ok(match (self.version, self.alias, self.stage) {
            (None, None, None) => Which::Default,
            (Some(version), None, None) => Which::Version(version),
            (None, Some(alias), None) => Which::Alias(alias),
            (None, None, Some(stage)) => Which::Stage(Stage::parse(&stage)?),
            _ => {
                let detail = "version, alias and stage each say which version answers: give one of them";
                return Err(Problem::bad_request("ml.invalid", detail).into());
            }
        })
    }
}

/// Rows in one of four forms, as MLflow's scoring servers take them.
#[derive(ToSchema)]
#[schema(as = ModelInvocation)]
#[expect(dead_code, reason = "describes the body for OpenAPI; it is read beside the model's signature")]
pub(super) struct InvocationBody {
    /// `{"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}`, with an `index` or without.
    dataframe_split: Option<Value>,
    /// `[{"a": 1, "b": 2}, {"a": 3, "b": 4}]`
    dataframe_records: Option<Vec<Value>>,
    /// Row by row: a list of rows, or of objects.
    instances: Option<Vec<Value>>,
    /// Input by input: an object with a list for each, or one list.
    inputs: Option<Value>,
    /// Checked against the signature; ONNX models have no use for them.
    params: Option<Value>,
}

/// What the model says.
#[derive(ToSchema)]
#[schema(as = ModelPredictions)]
#[expect(dead_code, reason = "describes the answer for OpenAPI; it is written beside the model's outputs")]
pub(super) struct PredictionsBody {
    /// To tables a list with one object a row, to tensors an object with one list for each output.
    predictions: Value,
}

/// Asks a registered ONNX model for predictions. The header `x-model-version` tells which version answered.
#[utoipa::path(post, path = "/api/v1/ml/models/{name}/invocations", tag = "ml", operation_id = "invoke_model",
    params(("name" = String, Path, description = "The registered model's name, or `name@alias`"), Asked),
    request_body(content((InvocationBody = "application/json"), (String = "text/csv"))),
    responses((status = 200, body = PredictionsBody)))]
pub(super) async fn invoke(
    State(ml): State<Ml>,
    Allowed(allow): Allowed<InvokeModels>,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
    body: TypedBody,
) -> web::Result<Response> {
    let which = asked.which()?;
    let form = match body.content_type.as_str() {
        "application/json" => Form::Json,
        "text/csv" => Form::Csv,
        _ => return Err(body.unsupported("application/json or text/csv")),
    };
    let (served, answer) = ml.invoke(&allow, &name, &which, form, body.bytes).await?;
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, json), (VERSION, HeaderValue::from(served.version))], answer).into_response())
}

/// What the version that would answer takes and gives. Loads it, if it is not ready yet.
#[utoipa::path(get, path = "/api/v1/ml/models/{name}/invocations", tag = "ml", operation_id = "describe_model_serving",
    params(("name" = String, Path, description = "The registered model's name, or `name@alias`"), Asked),
    responses((status = 200, body = ServingBody)))]
pub(super) async fn describe(
    State(ml): State<Ml>,
    Allowed(allow): Allowed<InvokeModels>,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> web::Result<Json<ServingBody>> {
    let served = ml.describe_serving(&allow, &name, &asked.which()?).await?;
    Ok(Json(ServingBody::of(&served)))
}

/// How a model is asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelServing)]
pub(super) struct ServingBody {
    name: String,
    version: i64,
    /// `columns`: it is asked with a table; `tensors`: with lists of numbers; `none`: it was logged without a signature.
    signature: &'static str,
    /// By the signature; without one, by the model itself.
    inputs: Vec<FieldBody>,
    outputs: Vec<FieldBody>,
    params: Vec<ParamBody>,
    /// A missing value (null) in a column of numbers is taken, since the model was trained for that.
    takes_missing: bool,
    /// About how much memory it takes.
    size_bytes: usize,
}

/// A column or tensor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelField)]
struct FieldBody {
    name: Option<String>,
    /// `double`, `long`, `string` … of a column, `float32` … of a tensor.
    #[serde(rename = "type")]
    type_name: String,
    required: bool,
    /// Of a tensor: null is any number.
    shape: Option<Vec<Option<usize>>>,
}

/// A parameter of the signature.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelParam)]
struct ParamBody {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
}

impl ServingBody {
    fn of(served: &Served) -> Self {
        let described = &served.described;
        let ports = |ports: &[Port]| ports.iter().map(FieldBody::of_port).collect();
        Self {
            name: served.name.clone(),
            version: served.version,
            signature: match described.inputs {
                Schema::Nothing => "none",
                Schema::Columns(_) => "columns",
                Schema::Tensors(_) => "tensors",
            },
            inputs: match &described.inputs {
                Schema::Nothing => ports(&served.ready.inputs),
                schema => schema.fields().iter().map(FieldBody::of).collect(),
            },
            // The names in the answer are the model's own.
            outputs: ports(&served.ready.outputs),
            params: described
                .params
                .iter()
                .map(|param| ParamBody { name: param.name.clone(), type_name: param.type_name.clone() })
                .collect(),
            takes_missing: served.ready.takes_missing,
            size_bytes: served.ready.size_bytes,
        }
    }
}

impl FieldBody {
    fn of(field: &Field) -> Self {
        Self {
            name: field.name.clone(),
            type_name: field.type_name.clone(),
            required: field.required,
            shape: (!field.shape.is_empty()).then(|| field.shape.clone()),
        }
    }

    fn of_port(port: &Port) -> Self {
        Self {
            name: Some(port.name.clone()),
            type_name: port.type_name.clone(),
            required: true,
            shape: port.shape.clone(),
        }
    }
}
