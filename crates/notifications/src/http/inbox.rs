use axum::extract::State;
use http::StatusCode;
use kernel::{Locale, Timestamp};
use platform::Level;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Caller, Cursor, Feed, Json, PageQuery, Path, Query};

use crate::{
    model::{Item, ItemId},
    service::Notifications,
};

#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = NotificationLevel)]
pub(super) enum LevelBody {
    Info,
    Success,
    Warning,
    Error,
}

impl From<Level> for LevelBody {
    fn from(level: Level) -> Self {
        match level {
            Level::Info => Self::Info,
            Level::Success => Self::Success,
            Level::Warning => Self::Warning,
            Level::Error => Self::Error,
        }
    }
}

/// Something that you were told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notification)]
pub(super) struct ItemBody {
    #[schema(value_type = String, example = "ntf_01jd8x0000000000000000000a")]
    id: ItemId,
    #[schema(example = "surveillance.anomaly")]
    topic: String,
    /// In the language of the request.
    title: String,
    body: String,
    /// A path of the console.
    #[schema(required)]
    link: Option<String>,
    level: LevelBody,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    read_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl ItemBody {
    fn new(item: Item, locale: Locale) -> Self {
        Self {
            id: item.id,
            topic: item.told.topic,
            title: item.told.title.in_locale(locale).to_owned(),
            body: item.told.body.in_locale(locale).to_owned(),
            link: item.told.link,
            level: item.told.level.into(),
            read_at: item.read_at,
            created_at: item.created_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Only those that you have not read.
    unread: Option<bool>,
    /// `next_cursor` of the answer before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// List my notifications, newest first
#[utoipa::path(get, path = "/api/v1/notifications", tag = "notifications", operation_id = "list_notifications",
    params(ListQuery), responses((status = 200, body = Feed<ItemBody>)))]
pub(super) async fn list(
    State(notifications): State<Notifications>,
    Caller(ctx): Caller,
    Query(query): Query<ListQuery>,
) -> web::Result<Json<Feed<ItemBody>>> {
    let limit = PageQuery::parse(None, query.limit)?.page_size as usize;
    let before = query.cursor.map(|cursor| cursor.decode::<ItemId>()).transpose()?;
    let feed = notifications.list_items(&ctx, query.unread.unwrap_or(false), before, limit).await?;
    Ok(Json(feed.map(|item| ItemBody::new(item, ctx.locale))))
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationCount)]
pub(super) struct CountBody {
    /// Not read yet.
    count: u64,
}

/// Count my unread notifications
#[utoipa::path(get, path = "/api/v1/notifications/unread_count", tag = "notifications",
    operation_id = "count_unread_notifications", responses((status = 200, body = CountBody)))]
pub(super) async fn unread_count(
    State(notifications): State<Notifications>,
    Caller(ctx): Caller,
) -> web::Result<Json<CountBody>> {
    Ok(Json(CountBody { count: notifications.unread_count(&ctx).await? }))
}

/// Mark one of my notifications as read
#[utoipa::path(post, path = "/api/v1/notifications/{id}/read", tag = "notifications",
    operation_id = "read_notification", params(("id" = String, Path)), responses((status = 200, body = ItemBody)))]
pub(super) async fn read(
    State(notifications): State<Notifications>,
    Caller(ctx): Caller,
    Path(id): Path<ItemId>,
) -> web::Result<Json<ItemBody>> {
    Ok(Json(ItemBody::new(notifications.read_item(&ctx, id).await?, ctx.locale)))
}

/// Mark all my notifications as read
#[utoipa::path(post, path = "/api/v1/notifications/read_all", tag = "notifications",
    operation_id = "read_all_notifications", responses((status = 200, body = CountBody)))]
pub(super) async fn read_all(
    State(notifications): State<Notifications>,
    Caller(ctx): Caller,
) -> web::Result<Json<CountBody>> {
    notifications.read_all(&ctx).await?;
    Ok(Json(CountBody { count: 0 }))
}

/// Delete one of my notifications
#[utoipa::path(delete, path = "/api/v1/notifications/{id}", tag = "notifications",
    operation_id = "delete_notification", params(("id" = String, Path)),
    responses((status = 204, description = "Gone.")))]
pub(super) async fn delete(
    State(notifications): State<Notifications>,
    Caller(ctx): Caller,
    Path(id): Path<ItemId>,
) -> web::Result<StatusCode> {
    notifications.delete_item(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
