use axum::extract::State;
use http::StatusCode;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Cursor, Feed, Json, Page, PageQuery, Path, Query};

use super::Accepted;
use crate::{
    model::{Delivery, DeliveryId, MessageId, Status, TopicPattern, Webhook, WebhookId},
    permissions::{ReadWebhooks, WriteWebhooks},
    service::{Notifications, WebhookChange, WebhookDraft},
};

/// Something that webhooks can hear.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookTopic)]
pub(super) struct TopicBody {
    #[schema(example = "surveillance.new_event")]
    name: &'static str,
    description: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookTopics)]
pub(super) struct TopicsBody {
    items: Vec<TopicBody>,
}

/// List what webhooks can hear
#[utoipa::path(get, path = "/api/v1/topics", tag = "webhooks", operation_id = "list_topics",
    responses((status = 200, body = TopicsBody)))]
pub(super) async fn topics(
    State(notifications): State<Notifications>,
    Allowed(_allow): Allowed<ReadWebhooks>,
) -> Json<TopicsBody> {
    let topics = notifications.topics().iter();
    let items = topics.map(|topic| TopicBody { name: topic.name, description: topic.description });
    Json(TopicsBody { items: items.collect() })
}

/// Another system that hears what happens in the workspace.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(super) struct WebhookBody {
    #[schema(value_type = String, example = "wh_01jd8x0000000000000000000a")]
    id: WebhookId,
    url: String,
    description: String,
    /// Names, `module.*`, or `*` for all.
    topics: Vec<String>,
    is_enabled: bool,
    /// Why it was switched off, if not by a person.
    #[schema(required)]
    disabled_why: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    last_delivery_at: Option<Timestamp>,
    /// Since when nothing was taken.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    failing_since: Option<Timestamp>,
}

impl From<&Webhook> for WebhookBody {
    fn from(webhook: &Webhook) -> Self {
        Self {
            id: webhook.id,
            url: webhook.url.as_str().to_owned(),
            description: webhook.description.clone(),
            topics: webhook.topics.iter().map(|topic| TopicPattern::as_str(topic).to_owned()).collect(),
            is_enabled: webhook.is_enabled,
            disabled_why: webhook.disabled_why.clone(),
            created_at: webhook.created_at,
            last_delivery_at: webhook.last_delivery_at,
            failing_since: webhook.failing_since,
        }
    }
}

/// A webhook that was just made, with what signs its messages.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookCreated)]
pub(super) struct CreatedBody {
    #[serde(flatten)]
    webhook: WebhookBody,
    /// Told this once.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WebhooksQuery {
    /// From 1.
    #[param(minimum = 1, maximum = 1_000_000)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u32>,
}

/// List the webhooks of the workspace
#[utoipa::path(get, path = "/api/v1/webhooks", tag = "webhooks", operation_id = "list_webhooks",
    params(WebhooksQuery), responses((status = 200, body = Page<WebhookBody>)))]
pub(super) async fn list(
    State(notifications): State<Notifications>,
    Allowed(allow): Allowed<ReadWebhooks>,
    Query(query): Query<WebhooksQuery>,
) -> web::Result<Json<Page<WebhookBody>>> {
    let page = PageQuery::parse(query.page, query.page_size)?;
    let webhooks = notifications.list_webhooks(&allow).await?;
    let skipped = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let some = webhooks.iter().skip(skipped).take(page.page_size as usize);
    Ok(Json(page.of(some.map(WebhookBody::from).collect(), webhooks.len() as u64)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookCreate)]
pub(super) struct CreateBody {
    #[schema(example = "https://example.org/hooks/socle", max_length = 2000)]
    url: String,
    #[serde(default)]
    #[schema(max_length = 200)]
    description: String,
    /// Names, `module.*`, or `*` for all; `GET /api/v1/topics` lists them.
    #[schema(min_items = 1, max_items = 50)]
    topics: Vec<String>,
}

/// Create a webhook
///
/// Messages are signed as Standard Webhooks say; the secret is told in this answer only.
#[utoipa::path(post, path = "/api/v1/webhooks", tag = "webhooks", operation_id = "create_webhook",
    request_body = CreateBody, responses((status = 201, body = CreatedBody)))]
pub(super) async fn create(
    State(notifications): State<Notifications>,
    Allowed(allow): Allowed<WriteWebhooks>,
    Json(body): Json<CreateBody>,
) -> web::Result<(StatusCode, [(http::HeaderName, &'static str); 1], Json<CreatedBody>)> {
    let draft = WebhookDraft { url: body.url, description: body.description, topics: body.topics };
    let webhook = notifications.create_webhook(&allow, draft).await?;
    let body = CreatedBody { webhook: (&webhook).into(), secret: webhook.secret.expose().to_owned() };
    Ok((StatusCode::CREATED, SECRET, Json(body)))
}

/// An answer that holds a secret is kept nowhere.
const SECRET: [(http::HeaderName, &str); 1] = [(http::header::CACHE_CONTROL, "no-store")];

/// Get one webhook
#[utoipa::path(get, path = "/api/v1/webhooks/{id}", tag = "webhooks", operation_id = "get_webhook",
    params(("id" = String, Path)), responses((status = 200, body = WebhookBody)))]
pub(super) async fn get(
    State(notifications): State<Notifications>,
    Allowed(allow): Allowed<ReadWebhooks>,
    Path(id): Path<WebhookId>,
) -> web::Result<Json<WebhookBody>> {
    Ok(Json((&notifications.get_webhook(&allow, id).await?).into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookUpdate)]
pub(super) struct UpdateBody {
    #[serde(default)]
    #[schema(max_length = 2000)]
    url: Option<String>,
    #[serde(default)]
    #[schema(max_length = 200)]
    description: Option<String>,
    #[serde(default)]
    #[schema(min_items = 1, max_items = 50)]
    topics: Option<Vec<String>>,
    /// Switching it on forgets its failures; it hears what happens from then on.
    #[serde(default)]
    is_enabled: Option<bool>,
}

/// Change a webhook
#[utoipa::path(patch, path = "/api/v1/webhooks/{id}", tag = "webhooks", operation_id = "update_webhook",
    params(("id" = String, Path)), request_body = UpdateBody, responses((status = 200, body = WebhookBody)))]
pub(super) async fn update(
    State(notifications): State<Notifications>,
    Allowed(allow): Allowed<WriteWebhooks>,
    Path(id): Path<WebhookId>,
    Json(body): Json<UpdateBody>,
) -> web::Result<Json<WebhookBody>> {
    let change = WebhookChange {
        url: body.url,
        description: body.description,
        topics: body.topics,
        is_enabled: body.is_enabled,
    };
    Ok(Json((&notifications.update_webhook(&allow, id, change).await?).into()))
}

/// Delete a webhook and the log of its deliveries
#[utoipa::path(delete, path = "/api/v1/webhooks/{id}", tag = "webhooks", operation_id = "delete_webhook",
    params(("id" = String, Path)), responses((status = 204, description = "Gone.")))]
pub(super) async fn delete(
    State(notifications): State<Notifications>,
    Allowed(allow): Allowed<WriteWebhooks>,
    Path(id): Path<WebhookId>,
) -> web::Result<StatusCode> {
    notifications.delete_webhook(&allow, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookSecret)]
pub(super) struct SecretBody {
    /// Told this once.
    secret: String,
}

/// Give a webhook another secret
///
/// Messages carry signatures of both for a day, so that the receiver can change over in its own time.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/rotate_secret", tag = "webhooks",
    operation_id = "rotate_webhook_secret", params(("id" = String, Path)),
    responses((status = 200, body = SecretBody)))]
pub(super) async fn rotate_secret(
    State(notifications): State<Notifications>,
    Allowed(allow): Allowed<WriteWebhooks>,
    Path(id): Path<WebhookId>,
) -> web::Result<([(http::HeaderName, &'static str); 1], Json<SecretBody>)> {
    let webhook = notifications.rotate_secret(&allow, id).await?;
    Ok((SECRET, Json(SecretBody { secret: webhook.secret.expose().to_owned() })))
}

/// Send a test message to a webhook, also one that is switched off
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/test", tag = "webhooks", operation_id = "test_webhook",
    params(("id" = String, Path)), responses((status = 202, body = Accepted)))]
pub(super) async fn test(
    State(notifications): State<Notifications>,
    Allowed(allow): Allowed<WriteWebhooks>,
    Path(id): Path<WebhookId>,
) -> web::Result<(StatusCode, Json<Accepted>)> {
    let task = notifications.test_webhook(&allow, id).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted::new(task))))
}

#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DeliveryStatus)]
pub(super) enum StatusBody {
    Pending,
    Delivered,
    Failed,
}

impl From<Status> for StatusBody {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Delivered => Self::Delivered,
            Status::Failed => Self::Failed,
        }
    }
}

/// One message on its way to one webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(super) struct DeliveryBody {
    #[schema(value_type = String)]
    id: DeliveryId,
    /// The header `webhook-id`: the same for every attempt and every webhook.
    #[schema(value_type = String)]
    message_id: MessageId,
    topic: String,
    status: StatusBody,
    attempts: u32,
    #[schema(required)]
    response_status: Option<u16>,
    #[schema(required)]
    error: Option<String>,
    /// When the next attempt is due.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    next_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
}

impl From<&Delivery> for DeliveryBody {
    fn from(delivery: &Delivery) -> Self {
        Self {
            id: delivery.id,
            message_id: delivery.message,
            topic: delivery.topic.clone(),
            status: delivery.status.into(),
            attempts: delivery.attempts,
            response_status: delivery.response_status,
            error: delivery.error.clone(),
            next_at: delivery.next_at,
            created_at: delivery.created_at,
            delivered_at: delivery.delivered_at,
        }
    }
}

/// A delivery with what was sent and what came back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryDetail)]
pub(super) struct DetailBody {
    #[serde(flatten)]
    delivery: DeliveryBody,
    /// What was sent, byte for byte.
    payload: String,
    /// Its first kilobyte.
    #[schema(required)]
    response_body: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveriesQuery {
    /// `next_cursor` of the answer before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// List what was sent to a webhook, newest first
#[utoipa::path(get, path = "/api/v1/webhooks/{id}/deliveries", tag = "webhooks", operation_id = "list_deliveries",
    params(("id" = String, Path), DeliveriesQuery), responses((status = 200, body = Feed<DeliveryBody>)))]
pub(super) async fn deliveries(
    State(notifications): State<Notifications>,
    Allowed(allow): Allowed<ReadWebhooks>,
    Path(id): Path<WebhookId>,
    Query(query): Query<DeliveriesQuery>,
) -> web::Result<Json<Feed<DeliveryBody>>> {
    let limit = PageQuery::parse(None, query.limit)?.page_size as usize;
    let before = query.cursor.map(|cursor| cursor.decode::<DeliveryId>()).transpose()?;
    let feed = notifications.list_deliveries(&allow, id, before, limit).await?;
    Ok(Json(feed.map(|delivery| DeliveryBody::from(&delivery))))
}

/// Get one delivery, with what was sent and what came back
#[utoipa::path(get, path = "/api/v1/webhooks/{id}/deliveries/{delivery_id}", tag = "webhooks",
    operation_id = "get_delivery", params(("id" = String, Path), ("delivery_id" = String, Path)),
    responses((status = 200, body = DetailBody)))]
pub(super) async fn delivery(
    State(notifications): State<Notifications>,
    Allowed(allow): Allowed<ReadWebhooks>,
    Path((id, delivery)): Path<(WebhookId, DeliveryId)>,
) -> web::Result<Json<DetailBody>> {
    let delivery = notifications.get_delivery(&allow, id, delivery).await?;
    Ok(Json(DetailBody {
        delivery: (&delivery).into(),
        payload: delivery.payload,
        response_body: delivery.response_body,
    }))
}

/// Send the same message once more
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/deliveries/{delivery_id}/redeliver", tag = "webhooks",
    operation_id = "redeliver", params(("id" = String, Path), ("delivery_id" = String, Path)),
    responses((status = 202, body = Accepted), (status = 409, description = "The webhook is switched off.")))]
pub(super) async fn redeliver(
    State(notifications): State<Notifications>,
    Allowed(allow): Allowed<WriteWebhooks>,
    Path((id, delivery)): Path<(WebhookId, DeliveryId)>,
) -> web::Result<(StatusCode, Json<Accepted>)> {
    let (_, task) = notifications.redeliver(&allow, id, delivery).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted::new(task))))
}
