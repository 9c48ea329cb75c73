use axum::extract::State;
use jiff::tz::TimeZone;
use kernel::{FieldError, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{Caller, Json};

use crate::{
    model::{Channels, Digest, Minute, Preferences, TopicChoice},
    service::{Notifications, PreferencesView},
};

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = NotificationDigest)]
pub(super) enum DigestBody {
    Off,
    Hourly,
    Daily,
}

impl From<Digest> for DigestBody {
    fn from(digest: Digest) -> Self {
        match digest {
            Digest::Off => Self::Off,
            Digest::Hourly => Self::Hourly,
            Digest::Daily => Self::Daily,
        }
    }
}

impl From<DigestBody> for Digest {
    fn from(digest: DigestBody) -> Self {
        match digest {
            DigestBody::Off => Self::Off,
            DigestBody::Hourly => Self::Hourly,
            DigestBody::Daily => Self::Daily,
        }
    }
}

/// By which channels a topic is told.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NotificationTopic)]
pub(super) struct TopicBody {
    #[schema(example = "surveillance.anomaly")]
    topic: String,
    /// What it is called, in the language of the request. Not read when it is sent.
    #[serde(default)]
    title: String,
    in_app: bool,
    email: bool,
}

/// How you want to be told.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NotificationPreferences)]
pub(super) struct PreferencesBody {
    /// Those that are left out follow their defaults.
    topics: Vec<TopicBody>,
    /// Whether mails are collected into one. Errors are mailed at once all the same.
    digest: DigestBody,
    /// When a daily digest goes out.
    #[schema(example = "08:00")]
    digest_at: String,
    /// No mails from this time of day on (but errors), until `quiet_to`. Both or none.
    #[serde(default)]
    #[schema(required, example = "22:00")]
    quiet_from: Option<String>,
    #[serde(default)]
    #[schema(required, example = "07:00")]
    quiet_to: Option<String>,
    /// In which those times count.
    #[schema(example = "Europe/Paris")]
    time_zone: String,
}

impl From<PreferencesView> for PreferencesBody {
    fn from(view: PreferencesView) -> Self {
        let PreferencesView { preferences, topics } = view;
        Self {
            topics: topics
                .into_iter()
                .map(|(choice, title)| TopicBody {
                    topic: choice.topic,
                    title: title.to_owned(),
                    in_app: choice.channels.in_app,
                    email: choice.channels.email,
                })
                .collect(),
            digest: preferences.digest.into(),
            digest_at: preferences.digest_at.to_string(),
            quiet_from: preferences.quiet.map(|(from, _)| from.to_string()),
            quiet_to: preferences.quiet.map(|(_, to)| to.to_string()),
            time_zone: preferences.zone_name().to_owned(),
        }
    }
}

impl PreferencesBody {
    /// Every fault at once.
    fn parse(self) -> Result<(Preferences, Vec<TopicChoice>), Problem> {
        let mut faults = Vec::new();
        let mut minute = |pointer: &str, text: &str| {
            let minute = Minute::parse(text);
            if minute.is_none() {
                faults.push(FieldError::new(pointer, "must be a time of day such as 08:00"));
            }
            minute
        };
        let digest_at = minute("/digest_at", &self.digest_at);
        let from = self.quiet_from.as_deref().map(|text| minute("/quiet_from", text));
        let to = self.quiet_to.as_deref().map(|text| minute("/quiet_to", text));
        if from.is_some() != to.is_some() {
            let missing = if from.is_some() { "/quiet_to" } else { "/quiet_from" };
            faults.push(FieldError::new(missing, "quiet_from and quiet_to come together"));
        }
        // Only names: an offset would be wrong half of the year.
        let zone = TimeZone::get(&self.time_zone).ok().filter(|zone| zone.iana_name().is_some());
        if zone.is_none() {
            faults.push(FieldError::new("/time_zone", "must be a time zone such as Europe/Paris"));
        }
        match (digest_at, zone) {
            (Some(digest_at), Some(time_zone)) if faults.is_empty() => {
                let quiet = from.flatten().zip(to.flatten()).filter(|(from, to)| from != to);
                let digest = self.digest.into();
                let preferences =
                    Preferences { digest, digest_at, quiet, time_zone, ..Preferences::default() };
                let choices = self.topics.into_iter().map(|topic| TopicChoice {
                    channels: Channels { in_app: topic.in_app, email: topic.email },
                    topic: topic.topic,
                });
                Ok((preferences, choices.collect()))
            }
            _ => Err(Problem::unprocessable("notifications.invalid", "these preferences are not complete")
                .with_errors(faults)),
        }
    }
}

/// Get how I want to be told
#[utoipa::path(get, path = "/api/v1/notifications/preferences", tag = "notifications",
    operation_id = "get_notification_preferences", responses((status = 200, body = PreferencesBody)))]
pub(super) async fn get(
    State(notifications): State<Notifications>,
    Caller(ctx): Caller,
) -> web::Result<Json<PreferencesBody>> {
    Ok(Json(notifications.preferences(&ctx).await?.into()))
}

/// Say how I want to be told
#[utoipa::path(put, path = "/api/v1/notifications/preferences", tag = "notifications",
    operation_id = "set_notification_preferences", request_body = PreferencesBody,
    responses((status = 200, body = PreferencesBody)))]
pub(super) async fn put(
    State(notifications): State<Notifications>,
    Caller(ctx): Caller,
    Json(body): Json<PreferencesBody>,
) -> web::Result<Json<PreferencesBody>> {
    let (preferences, choices) = body.parse()?;
    Ok(Json(notifications.save_preferences(&ctx, preferences, choices).await?.into()))
}
