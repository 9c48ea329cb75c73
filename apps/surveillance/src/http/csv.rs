//! Events as CSV (RFC 4180), row by row: a file of any length takes the memory of one page.

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures::stream;
use http::header;
use kernel::Allow;
use web::{Allowed, Query};

use super::events::Listing;
use crate::{
    model::{Event, EventFilter, EventPosition},
    permissions::ReadEvents,
    service::Sentinel,
};

const PAGE: usize = 500;
const HEADER: &str = "id,started_at,ended_at,camera,zone,kind,class,severity,confidence,state,acknowledged_at,acknowledged_by,comment\r\n";

/// The events that fit, as a file. The cursor and the limit are ignored.
#[utoipa::path(get, path = "/api/v1/surveillance/events.csv", tag = "surveillance", operation_id = "export_events",
    params(Listing), responses((status = 200, body = String, content_type = "text/csv")))]
pub(super) async fn export(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<ReadEvents>,
    Query(query): Query<Listing>,
) -> web::Result<Response> {
    let filter = query.filter()?;
    // Ignored, but not when they are wrong.
    query.limit()?;
    query.after()?;
    // The first page is read before the answer begins, so that a fault is still an error.
    let first = sentinel.page_of_events(&allow, &filter, None, PAGE).await?;
    let name = format!("attachment; filename=\"events-{}.csv\"", allow.now.strftime("%Y%m%d-%H%M%S"));
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(pages(sentinel, allow, filter, first))).into_response())
}

enum Next {
    Page(Vec<Event>),
    After(EventPosition),
    End,
}

fn pages(
    sentinel: Sentinel,
    allow: Allow<ReadEvents>,
    filter: EventFilter,
    first: Vec<Event>,
) -> impl futures::Stream<Item = Result<Bytes, crate::error::Error>> {
    stream::try_unfold((Next::Page(first), true), move |(next, is_first)| {
        let (sentinel, allow, filter) = (sentinel.clone(), allow.clone(), filter.clone());
        async move {
            let events = match next {
                Next::End => return Ok(None),
                Next::Page(events) => events,
                Next::After(position) => {
                    sentinel.page_of_events(&allow, &filter, Some(position), PAGE).await?
                }
            };
            let next = match events.last() {
                Some(last) if events.len() == PAGE => Next::After(EventPosition::of(last)),
                _ => Next::End,
            };
            let mut text = String::with_capacity(events.len() * 200);
            if is_first {
                text.push_str(HEADER);
            }
            for event in &events {
                row(&mut text, event);
            }
            // An empty piece would end nothing, but tell nothing either.
            Ok(Some((Bytes::from(text), (next, false))))
        }
    })
}

fn row(text: &mut String, event: &Event) {
    let series = &event.series;
    let ack = event.acknowledged.as_ref();
    let fields = [
        event.id.to_string(),
        event.started_at.to_string(),
        event.ended_at.map(|at| at.to_string()).unwrap_or_default(),
        series.camera_name.clone(),
        series.zone_name.clone().unwrap_or_default(),
        series.kind.name().to_owned(),
        series.class.clone(),
        series.severity.name().to_owned(),
        event.confidence.to_string(),
        event.state.name().to_owned(),
        ack.map(|ack| ack.at.to_string()).unwrap_or_default(),
        ack.map(|ack| ack.by.to_string()).unwrap_or_default(),
        ack.and_then(|ack| ack.comment.clone()).unwrap_or_default(),
    ];
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_field(text, field);
    }
    text.push_str("\r\n");
}

/// Quotes where RFC 4180 asks for it. What a spreadsheet would take for a formula begins with an apostrophe (OWASP, "CSV
/// Injection").
fn push_field(text: &mut String, field: &str) {
    let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if !formula && !field.contains(['"', ',', '\n', '\r']) {
        text.push_str(field);
        return;
    }
    text.push('"');
    if formula {
        text.push('\'');
    }
    text.push_str(&field.replace('"', "\"\""));
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_disarmed() {
        let check = |field: &str, expected: &str| {
            let mut text = String::new();
            push_field(&mut text, field);
            assert_eq!(text, expected);
        };
        check("door", "door");
        check("a,b", "\"a,b\"");
        check("say \"hi\"", "\"say \"\"hi\"\"\"");
        check("two\nlines", "\"two\nlines\"");
        check("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\"");
        check("@sum", "\"'@sum\"");
        check("-1", "\"'-1\"");
        check("", "");
    }
}
