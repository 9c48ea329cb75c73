use std::collections::HashMap;

use db::{FromRow, Json, Result, Row, Tx};
use jiff::tz::TimeZone;
use kernel::{Timestamp, UserId};

use crate::model::{Digest, Minute, Preferences};

/// Parameters of one statement.
const PLACES_MAX: usize = 200;

/// A person's row.
pub(crate) struct Kept {
    pub(crate) user: UserId,
    pub(crate) preferences: Preferences,
    pub(crate) unsubscribe_token: String,
}

impl FromRow for Kept {
    fn from_row(row: &Row) -> Result<Self> {
        let Json(topics) = row.get("topics")?;
        let digest: String = row.get("digest")?;
        let zone: String = row.get("time_zone")?;
        let minute = |column: &str| {
            let number: Option<u16> = row.get(column)?;
            Ok::<_, db::Error>(number.and_then(Minute::from_number))
        };
        Ok(Self {
            user: row.get("user_id")?,
            preferences: Preferences {
                topics,
                digest: Digest::parse(&digest).ok_or_else(|| super::unreadable("digest", &digest))?,
                digest_at: minute("digest_minute")?.unwrap_or(Minute::EIGHT),
                quiet: minute("quiet_from_minute")?.zip(minute("quiet_to_minute")?),
                // A zone that this machine's data does not know reads as UTC: better than no mail at all.
                time_zone: TimeZone::get(&zone).unwrap_or(TimeZone::UTC),
            },
            unsubscribe_token: row.get("unsubscribe_token")?,
        })
    }
}

pub(crate) async fn find(tx: &mut Tx, user: UserId) -> Result<Option<Kept>> {
    tx.query("SELECT * FROM notifications_preferences WHERE user_id = $1").bind(user).optional().await
}

pub(crate) async fn find_by_token(tx: &mut Tx, token: &str) -> Result<Option<Kept>> {
    tx.query("SELECT * FROM notifications_preferences WHERE unsubscribe_token = $1")
        .bind(token)
        .optional()
        .await
}

/// The token stays the one that was there.
pub(crate) async fn save(
    tx: &mut Tx,
    user: UserId,
    preferences: &Preferences,
    fresh_token: &str,
    now: Timestamp,
) -> Result<()> {
    tx.query(
        "INSERT INTO notifications_preferences (user_id, topics, digest, digest_minute, quiet_from_minute,
             quiet_to_minute, time_zone, unsubscribe_token, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (user_id) DO UPDATE SET topics = $2, digest = $3, digest_minute = $4, quiet_from_minute = $5,
             quiet_to_minute = $6, time_zone = $7, updated_at = $9",
    )
    .bind(user)
    .bind(Json(&preferences.topics))
    .bind(preferences.digest.name())
    .bind(preferences.digest_at.number())
    .bind(preferences.quiet.map(|(from, _)| from.number()))
    .bind(preferences.quiet.map(|(_, to)| to.number()))
    .bind(preferences.zone_name())
    .bind(fresh_token)
    .bind(now)
    .execute()
    .await
    .map(drop)
}

/// Of these people, those who chose something.
pub(crate) async fn list(tx: &mut Tx, users: &[UserId]) -> Result<HashMap<UserId, Preferences>> {
    let mut found = HashMap::new();
    for some in users.chunks(PLACES_MAX) {
        let places: Vec<_> = (1..=some.len()).map(|place| format!("${place}")).collect();
        let kept: Vec<Kept> = tx
            .query_built(format!(
                "SELECT * FROM notifications_preferences WHERE user_id IN ({})",
                places.join(", ")
            ))
            .bind_all(some.iter().map(|id| (*id).into()))
            .all()
            .await?;
        found.extend(kept.into_iter().map(|kept| (kept.user, kept.preferences)));
    }
    Ok(found)
}
