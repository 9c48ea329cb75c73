use jobs::{Enqueue, JobContext, JobError};
use kernel::{Allow, Ctx, Locale, Problem, TaskId};
use platform::Mail;
use serde_json::{Map, Value, json};

use super::Notifications;
use crate::{
    error::Error,
    jobs::SendBatch,
    mail::{Failure, Letter},
    model::{Mailbox, PendingMail},
    permissions::{ReadMail, WriteMail},
    store,
};

/// Notifications in one mail; the rest is counted.
const SHOWN_MAX: usize = 50;
/// Rows of a batch read at a time.
const BATCH_MAX: i64 = 1_000;

/// How a mail reads to the task that sends it.
fn settled(outcome: Result<(), Failure>) -> Result<&'static str, JobError> {
    match outcome {
        Ok(()) => Ok("sent"),
        Err(Failure::NotConfigured) => Ok("skipped"),
        Err(Failure::Refused(reason)) => {
            Err(JobError::fatal(Problem::new(502, "notifications.mail-refused", reason)))
        }
        Err(Failure::Later(reason)) => Err(JobError::retry(reason)),
    }
}

impl Notifications {
    /// One mail of a named template.
    pub(crate) async fn send_mail(&self, job_ctx: JobContext, job: Mail) -> Result<Value, JobError> {
        let to = Mailbox::parse(&job.to)
            .map_err(|error| JobError::fatal(Problem::unprocessable("notifications.mail-address", error)))?;
        let letter = Letter {
            id: job_ctx.task.to_string(),
            to: &to,
            template: &job.template,
            params: &job.params,
            locale: job.locale,
            at: job_ctx.now(),
            unsubscribe_url: None,
        };
        Ok(json!({ "outcome": settled(self.mailer.send(&letter).await)? }))
    }

    /// The pending notifications of one batch as one mail, which anybody's reader can switch off.
    pub(crate) async fn send_batch(&self, job_ctx: JobContext, job: SendBatch) -> Result<Value, JobError> {
        let SendBatch { user, batch } = job;
        let workspace = job_ctx.workspace;
        let mut tx = self.db.begin().await?;
        let rows = store::mails::list_batch(&mut tx, workspace, user, &batch, BATCH_MAX).await?;
        let member = self.directory.member(&mut tx, workspace, user).await?;
        let token = self.unsubscribe_token(&mut tx, user).await?;
        tx.commit().await?;
        let Some(last) = rows.last().map(|row| row.id) else { return Ok(json!({ "outcome": "empty" })) };

        // Who was disabled or left since is told nothing.
        let outcome = match member.map(|member| member.person).filter(|person| person.is_active) {
            None => "skipped",
            Some(person) => {
                let locale = person.locale.unwrap_or_default();
                let address = Mailbox::parse(&person.email).map_err(|error| {
                    JobError::fatal(Problem::unprocessable("notifications.mail-address", error))
                })?;
                let to = Mailbox {
                    name: Some(person.name)
                        .filter(|name| *name != person.email && !name.chars().any(char::is_control)),
                    ..address
                };
                let (template, params) = self.words_of(&rows, locale);
                let letter = Letter {
                    id: last.to_string(),
                    to: &to,
                    template,
                    params: &params,
                    locale,
                    at: job_ctx.now(),
                    unsubscribe_url: Some(self.unsubscribe_url(&token, &rows)),
                };
                let sent = self.mailer.send(&letter).await;
                if let Err(Failure::Refused(_)) = &sent {
                    // What cannot be sent must not go out with a later mail either.
                    let mut tx = self.db.begin().await?;
                    store::mails::delete_batch(&mut tx, workspace, user, &batch, last).await?;
                    tx.commit().await?;
                    count("failed", rows.len());
                }
                settled(sent)?
            }
        };

        let mut tx = self.db.begin().await?;
        store::mails::delete_batch(&mut tx, workspace, user, &batch, last).await?;
        job_ctx.complete_in(&mut tx, json!({ "outcome": outcome, "count": rows.len() })).await?;
        tx.commit().await?;
        count(outcome, rows.len());
        Ok(Value::Null)
    }

    fn words_of(&self, rows: &[PendingMail], locale: Locale) -> (&'static str, Map<String, Value>) {
        let zone_free = |row: &PendingMail| row.created_at.strftime("%Y-%m-%d %H:%M UTC").to_string();
        let item = |row: &PendingMail| {
            let link =
                row.told.link.as_ref().map_or(String::new(), |link| format!("{}{link}", self.public_url));
            json!({
                "title": row.told.title.in_locale(locale),
                "body": row.told.body.in_locale(locale),
                "level": row.told.level.name(),
                "link_url": link,
                "at": zone_free(row),
            })
        };
        let (template, params) = match rows {
            [one] => ("notification", item(one)),
            many => {
                let items: Vec<Value> = many.iter().take(SHOWN_MAX).map(item).collect();
                let more = many.len().saturating_sub(SHOWN_MAX);
                ("digest", json!({ "items": items, "count": many.len(), "more": more }))
            }
        };
        let Value::Object(params) = params else { return (template, Map::new()) };
        (template, params)
    }

    /// Of one topic where the mail is of one; else of all.
    fn unsubscribe_url(&self, token: &str, rows: &[PendingMail]) -> String {
        let url = format!("{}{}/notifications/unsubscribe/{token}", self.public_url, web::BASE);
        match rows {
            [first, rest @ ..] if rest.iter().all(|row| row.told.topic == first.told.topic) => {
                format!("{url}?topic={}", first.told.topic)
            }
            _ => url,
        }
    }

    pub(crate) fn mail_sender(&self, _: &Allow<ReadMail>) -> Option<String> {
        self.mailer.from()
    }

    /// A mail that says that mail works; to the caller, unless another address is given.
    pub(crate) async fn test_mail(
        &self,
        allow: &Allow<WriteMail>,
        to: Option<&str>,
    ) -> Result<TaskId, Error> {
        if !self.mailer.is_configured() {
            return Err(Error::MailNotConfigured);
        }
        let ctx: &Ctx = allow;
        let mut tx = self.db.begin().await?;
        let to = match to {
            Some(to) => to.to_owned(),
            None => {
                let user = ctx.actor.user().ok_or_else(|| Error::invalid("/to", "is needed here"))?;
                let person = self.directory.person(&mut tx, user).await?;
                person.ok_or_else(|| Error::invalid("/to", "is needed here"))?.email
            }
        };
        let to = Mailbox::parse(&to).map_err(|error| Error::invalid("/to", &error.to_string()))?;
        let mail =
            Mail { to: to.to_string(), template: "test".to_owned(), params: Map::new(), locale: ctx.locale };
        let task = self.jobs.enqueue_with(&mut tx, ctx, mail, Enqueue::default()).await?;
        tx.commit().await?;
        Ok(task)
    }

    /// The same at once, for who sits at the machine.
    pub(crate) async fn test_mail_now(&self, to: &str, locale: Locale) -> anyhow::Result<()> {
        let to = Mailbox::parse(to)?;
        let now = self.clock.now();
        let letter = Letter {
            id: TaskId::new(now).to_string(),
            to: &to,
            template: "test",
            params: &Map::new(),
            locale,
            at: now,
            unsubscribe_url: None,
        };
        match self.mailer.send(&letter).await {
            Err(Failure::NotConfigured) => Err(Error::MailNotConfigured.into()),
            other => Ok(other?),
        }
    }
}

fn count(outcome: &'static str, mails: usize) {
    metrics::counter!("notifications_sent_total", "channel" => "email", "outcome" => outcome)
        .increment(mails as u64);
}
