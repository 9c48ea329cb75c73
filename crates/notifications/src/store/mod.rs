//! SQL and nothing else. Times are microseconds since 1970.

pub(crate) mod deliveries;
pub(crate) mod items;
pub(crate) mod mails;
pub(crate) mod outbox;
pub(crate) mod preferences;
pub(crate) mod webhooks;

use db::{Error, Json, Result, Row};
use platform::{Level, Words};

use crate::model::Told;

fn told(row: &Row) -> Result<Told> {
    let level: String = row.get("level")?;
    let Json(title) = row.get::<Json<Words>>("title")?;
    let Json(body) = row.get::<Json<Words>>("body")?;
    Ok(Told {
        topic: row.get("topic")?,
        level: Level::parse(&level).ok_or_else(|| unreadable("level", &level))?,
        title,
        body,
        link: row.get("link")?,
    })
}

fn unreadable(column: &str, text: &str) -> Error {
    Error::Column { column: column.to_owned(), source: format!("{text:?} is none of its values").into() }
}
