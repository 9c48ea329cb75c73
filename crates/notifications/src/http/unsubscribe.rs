//! Where the link of a mail leads: a page with one button for people, and the button for mail programs (RFC 8058), which
//! press it without showing the page. A `GET` alone changes nothing, since programs follow links to look at them.

use axum::{extract::State, response::Html};
use kernel::Locale;
use serde::Deserialize;
use utoipa::IntoParams;
use web::{Path, Query, Request};

use crate::service::Notifications;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UnsubscribeQuery {
    /// Only mails of this topic; without it, all notifications by mail.
    topic: Option<String>,
}

fn page_of(locale: Locale, english: &str, french: &str, button: Option<(&str, &str)>) -> Html<String> {
    let (lang, text) = match locale {
        Locale::English => ("en", english),
        Locale::French => ("fr", french),
    };
    let form = button.map_or(String::new(), |(english, french)| {
        let label = match locale {
            Locale::English => english,
            Locale::French => french,
        };
        // Without an action it goes to this very address.
        format!("<form method=\"post\"><button type=\"submit\">{label}</button></form>")
    });
    Html(format!(
        "<!doctype html>\n<html lang=\"{lang}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\">\
         <title>Socle</title></head><body><main><h1>Socle</h1><p>{text}</p>{form}</main></body></html>\n"
    ))
}

/// Show the page that a mail's link leads to
#[utoipa::path(get, path = "/api/v1/notifications/unsubscribe/{token}", tag = "notifications",
    operation_id = "show_unsubscribe_page", params(("token" = String, Path), UnsubscribeQuery), security(()),
    responses((status = 200, description = "A page with one button.", body = String, content_type = "text/html")))]
pub(super) async fn page(
    State(notifications): State<Notifications>,
    request: Request,
    Path(token): Path<String>,
    Query(_query): Query<UnsubscribeQuery>,
) -> web::Result<Html<String>> {
    notifications.check_unsubscribe(&token).await?;
    Ok(page_of(
        request.locale,
        "Stop these mails? You will still be told in the application.",
        "Ne plus recevoir ces courriels ? Vous serez toujours prévenu dans l'application.",
        Some(("Stop these mails", "Ne plus recevoir ces courriels")),
    ))
}

/// Stop mails, by the link in one of them
#[utoipa::path(post, path = "/api/v1/notifications/unsubscribe/{token}", tag = "notifications",
    operation_id = "unsubscribe", params(("token" = String, Path), UnsubscribeQuery), security(()),
    responses((status = 200, description = "No more of these mails.", body = String, content_type = "text/html")))]
pub(super) async fn unsubscribe(
    State(notifications): State<Notifications>,
    request: Request,
    Path(token): Path<String>,
    Query(query): Query<UnsubscribeQuery>,
) -> web::Result<Html<String>> {
    notifications.unsubscribe(&token, query.topic.as_deref()).await?;
    Ok(page_of(
        request.locale,
        "Done: no more of these mails.",
        "C'est fait : plus aucun de ces courriels.",
        None,
    ))
}
