mod inbox;
mod mail;
mod preferences;
mod unsubscribe;
mod webhooks;

use kernel::TaskId;
use serde::Serialize;
use utoipa::ToSchema;
use web::{OpenApiRouter, routes};

use crate::service::Notifications;

pub(crate) fn routes(notifications: Notifications) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(inbox::list))
        .routes(routes!(inbox::unread_count))
        .routes(routes!(inbox::read))
        .routes(routes!(inbox::read_all))
        .routes(routes!(inbox::delete))
        .routes(routes!(preferences::get, preferences::put))
        .routes(routes!(unsubscribe::page, unsubscribe::unsubscribe))
        .routes(routes!(webhooks::topics))
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::get, webhooks::update, webhooks::delete))
        .routes(routes!(webhooks::rotate_secret))
        .routes(routes!(webhooks::test))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(webhooks::delivery))
        .routes(routes!(webhooks::redeliver))
        .routes(routes!(mail::get))
        .routes(routes!(mail::test))
        .with_state(notifications)
}

/// Work that was taken on; `status_url` tells how it goes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskAccepted)]
struct Accepted {
    #[schema(value_type = String)]
    task_id: TaskId,
    status: &'static str,
    status_url: String,
}

impl Accepted {
    fn new(task_id: TaskId) -> Self {
        Self { task_id, status: "pending", status_url: format!("{}/tasks/{task_id}", web::BASE) }
    }
}
