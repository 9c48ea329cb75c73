use ::settings::{Change, ChangeId, Item};
use axum::extract::State;
use kernel::{FieldError, Locale, Problem, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Cursor, Feed, Json, Path, Query};

use crate::{
    permissions::{ReadSettings, WriteSettings},
    service::Admin,
};

/// A setting and what it is now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RuntimeSetting)]
pub(crate) struct SettingBody {
    key: &'static str,
    /// Settings of one group stand together.
    group: &'static str,
    /// In the request's language, as is the description.
    title: &'static str,
    description: &'static str,
    kind: KindBody,
    #[schema(required)]
    unit: Option<&'static str>,
    #[schema(required)]
    min: Option<f64>,
    /// For texts: characters.
    #[schema(required)]
    max: Option<f64>,
    #[schema(required)]
    choices: Option<Vec<&'static str>>,
    #[schema(value_type = ValueBody)]
    default: Value,
    #[schema(value_type = ValueBody)]
    value: Value,
    is_default: bool,
    #[schema(required)]
    updated_at: Option<Timestamp>,
    /// A user's id, or `system: ` and why.
    #[schema(required)]
    updated_by: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SettingKind)]
pub(crate) enum KindBody {
    Boolean,
    Integer,
    Number,
    Text,
    Choice,
    DurationS,
}

/// True or false, a number, or a text, as the setting's kind asks.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = SettingValue)]
pub(crate) enum ValueBody {
    Boolean(bool),
    Number(f64),
    Text(String),
}

impl SettingBody {
    pub(super) fn new(item: Item, locale: Locale) -> Self {
        use ::settings::Kind;
        let spec = item.spec;
        Self {
            key: spec.key,
            group: spec.group,
            title: spec.title.in_language(locale),
            description: spec.description.in_language(locale),
            kind: match spec.kind {
                Kind::Boolean { .. } => KindBody::Boolean,
                Kind::Integer { .. } => KindBody::Integer,
                Kind::Number { .. } => KindBody::Number,
                Kind::Text { .. } => KindBody::Text,
                Kind::Choice { .. } => KindBody::Choice,
                Kind::DurationS { .. } => KindBody::DurationS,
            },
            unit: spec.unit,
            min: spec.kind.min(),
            max: spec.kind.max(),
            choices: spec.kind.choices().map(<[_]>::to_vec),
            default: item.default,
            value: item.value,
            is_default: item.is_default,
            updated_at: item.updated_at,
            updated_by: item.updated_by,
        }
    }
}

/// All settings that can be changed while the server runs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RuntimeSettings)]
pub(crate) struct SettingsBody {
    items: Vec<SettingBody>,
}

/// List the settings that can be changed while the server runs
#[utoipa::path(get, path = "/api/v1/settings", tag = "settings", operation_id = "list_settings",
    responses((status = 200, body = SettingsBody)))]
pub(crate) async fn list(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<ReadSettings>,
) -> Json<SettingsBody> {
    let items = admin.settings(&allow).into_iter().map(|item| SettingBody::new(item, allow.locale));
    Json(SettingsBody { items: items.collect() })
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RuntimeSettingInput)]
pub(crate) struct SettingInput {
    #[schema(value_type = ValueBody)]
    value: Value,
}

/// Change a setting
///
/// It holds at once in the process that answers, and within seconds in all others.
#[utoipa::path(put, path = "/api/v1/settings/{key}", tag = "settings", operation_id = "set_setting",
    params(("key" = String, Path)), request_body = SettingInput, responses((status = 200, body = SettingBody)))]
pub(crate) async fn set(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<WriteSettings>,
    Path(key): Path<String>,
    Json(input): Json<SettingInput>,
) -> web::Result<Json<SettingBody>> {
    Ok(Json(SettingBody::new(admin.set_setting(&allow, &key, input.value).await?, allow.locale)))
}

/// Put a setting back to its default
#[utoipa::path(delete, path = "/api/v1/settings/{key}", tag = "settings", operation_id = "reset_setting",
    params(("key" = String, Path)), responses((status = 200, body = SettingBody)))]
pub(crate) async fn reset(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<WriteSettings>,
    Path(key): Path<String>,
) -> web::Result<Json<SettingBody>> {
    Ok(Json(SettingBody::new(admin.reset_setting(&allow, &key).await?, allow.locale)))
}

/// One change of a setting.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RuntimeSettingChange)]
pub(crate) struct ChangeBody {
    #[schema(value_type = String)]
    id: ChangeId,
    key: String,
    /// Null for the default.
    #[schema(required, value_type = Option<ValueBody>)]
    old: Option<Value>,
    #[schema(required, value_type = Option<ValueBody>)]
    new: Option<Value>,
    /// A user's id, or `system: ` and why.
    by: String,
    at: Timestamp,
    /// The change that this one took back.
    #[schema(required, value_type = Option<String>)]
    undo_of: Option<ChangeId>,
    is_undone: bool,
}

impl From<Change> for ChangeBody {
    fn from(change: Change) -> Self {
        Self {
            id: change.id,
            key: change.key,
            old: change.old,
            new: change.new,
            by: change.by,
            at: change.at,
            undo_of: change.undo_of,
            is_undone: change.is_undone,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChangesQuery {
    /// Only of this setting.
    key: Option<String>,
    /// `next_cursor` of the answer before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// 1 to 100, 20 unless told.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// List the changes of settings, newest first
#[utoipa::path(get, path = "/api/v1/settings/changes", tag = "settings", operation_id = "list_setting_changes",
    params(ChangesQuery), responses((status = 200, body = Feed<ChangeBody>)))]
pub(crate) async fn changes(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<ReadSettings>,
    Query(query): Query<ChangesQuery>,
) -> web::Result<Json<Feed<ChangeBody>>> {
    let limit = match query.limit.unwrap_or(20) {
        limit @ 1..=100 => limit as usize,
        _ => {
            return Err(Problem::bad_request("invalid-query", "limit is out of bounds")
                .with_errors(vec![FieldError::new("limit", "must be from 1 to 100")])
                .into());
        }
    };
    let before = query.cursor.as_ref().map(Cursor::decode::<i64>).transpose()?;
    Ok(Json(admin.setting_changes(&allow, query.key.as_deref(), before, limit).await?.map(ChangeBody::from)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UndoQuery {
    /// Also when the setting was changed again since.
    force: Option<bool>,
}

/// Take back a change of a setting
///
/// Refused when the setting was changed again since, unless forced. The undoing is a change itself, and can be undone.
#[utoipa::path(post, path = "/api/v1/settings/changes/{id}/undo", tag = "settings", operation_id = "undo_setting_change",
    params(("id" = String, Path), UndoQuery), responses((status = 200, body = SettingBody)))]
pub(crate) async fn undo(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<WriteSettings>,
    Path(id): Path<ChangeId>,
    Query(query): Query<UndoQuery>,
) -> web::Result<Json<SettingBody>> {
    let item = admin.undo_setting(&allow, id, query.force.unwrap_or(false)).await?;
    Ok(Json(SettingBody::new(item, allow.locale)))
}

/// What a visitor may know of the installation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Installation)]
pub(crate) struct InstallationBody {
    name: String,
    /// Shown above the sign-in form; empty for none.
    sign_in_notice: String,
    /// `en` or `fr`.
    default_language: String,
    /// Whether a visitor can make an account; else an administrator does.
    registration_open: bool,
}

/// Tell what a visitor sees of the installation
#[utoipa::path(get, path = "/api/v1/installation", tag = "settings", operation_id = "get_installation", security(()),
    responses((status = 200, body = InstallationBody)))]
pub(crate) async fn installation(State(admin): State<Admin>) -> Json<InstallationBody> {
    let [name, sign_in_notice, default_language] = admin.installation();
    Json(InstallationBody { name, sign_in_notice, default_language, registration_open: false })
}
