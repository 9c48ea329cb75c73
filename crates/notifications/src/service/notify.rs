use db::Tx;
use jobs::{Enqueue, JobContext, JobError};
use kernel::{Ctx, TaskId, Timestamp, ToProblem as _, UserId, WorkspaceId};
use platform::{Level, Member, Message, Notify, Recipients, Words};
use serde_json::{Value, json};

use super::Notifications;
use crate::{
    error::Error,
    events,
    jobs::SendBatch,
    model::{Channels, Item, ItemId, PendingMail, PendingMailId, Preferences, Told, When, render_words},
    store,
};

/// One text for all languages.
pub(crate) struct OwnWords<'w> {
    pub(crate) title: &'w str,
    pub(crate) body: &'w str,
    pub(crate) link: Option<&'w str>,
}

impl Notifications {
    /// Tells everybody whom it is for, each by the channels of their choice. All of it commits with the task's end.
    pub(crate) async fn notify(&self, job_ctx: JobContext, job: Notify) -> Result<Value, JobError> {
        let Notify { to, topic, level, link, message } = job;
        let notice = self.notice(&topic);
        let told = render_words(notice, &topic, level, link, message)
            .map_err(|error| JobError::fatal(error.problem()))?;
        let (now, workspace) = (job_ctx.now(), job_ctx.workspace);
        let mut tx = self.db.begin().await?;
        let people = self.recipients(&mut tx, workspace, &to).await?;
        let users: Vec<UserId> = people.iter().map(|member| member.person.id).collect();
        let chosen = store::preferences::list(&mut tx, &users).await?;
        let (mut in_app, mut by_mail) = (0_u64, 0_u64);
        for user in users {
            let default = Preferences::default();
            let preferences = chosen.get(&user).unwrap_or(&default);
            let Channels { in_app: shown, email } = preferences.channels(&topic, notice);
            if shown {
                self.put_into_list(&mut tx, workspace, user, &told, now).await?;
                in_app += 1;
            }
            if email {
                self.put_into_mail(&mut tx, &job_ctx, user, &told, preferences).await?;
                by_mail += 1;
            }
        }
        job_ctx.complete_in(&mut tx, json!({ "in_app": in_app, "email": by_mail })).await?;
        tx.commit().await?;
        metrics::counter!("notifications_sent_total", "channel" => "in_app", "outcome" => "sent")
            .increment(in_app);
        metrics::counter!("notifications_sent_total", "channel" => "email", "outcome" => "queued")
            .increment(by_mail);
        Ok(Value::Null)
    }

    /// What somebody has to say, in their own words.
    pub(crate) async fn tell(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        to: Recipients,
        level: Level,
        text: OwnWords<'_>,
    ) -> Result<TaskId, Error> {
        let words = |text: &str| Words::new(text, text);
        let message = Message::Text { title: words(text.title), body: words(text.body) };
        let link = text.link.map(str::to_owned);
        let notify = Notify { level, link, message, ..Notify::new(to, events::MESSAGE) };
        Ok(self.jobs.enqueue(tx, ctx, notify).await?)
    }

    /// Active members only: a disabled account is told nothing.
    async fn recipients(
        &self,
        tx: &mut Tx,
        workspace: WorkspaceId,
        to: &Recipients,
    ) -> Result<Vec<Member>, Error> {
        let mut people = match to {
            Recipients::User(id) => self.directory.member(tx, workspace, *id).await?.into_iter().collect(),
            _ => self.directory.members(tx, workspace).await?,
        };
        people.retain(|member| {
            member.person.is_active
                && match to {
                    Recipients::Permission(name) => member.grants.has(name),
                    Recipients::Role(name) => member.roles.contains(name),
                    Recipients::User(_) | Recipients::Workspace => true,
                }
        });
        Ok(people)
    }

    async fn put_into_list(
        &self,
        tx: &mut Tx,
        workspace: WorkspaceId,
        user: UserId,
        told: &Told,
        now: Timestamp,
    ) -> Result<(), Error> {
        let item = Item {
            id: ItemId::new(now),
            workspace,
            user,
            told: told.clone(),
            created_at: now,
            read_at: None,
        };
        store::items::insert(tx, &item).await?;
        let unread = store::items::count_unread(tx, workspace, user).await?;
        self.events.publish(tx, &events::created(workspace, user, item.id, unread)).await?;
        Ok(())
    }

    /// Into a batch of its own, or into the one that goes out when quiet hours end or the digest is due.
    async fn put_into_mail(
        &self,
        tx: &mut Tx,
        job_ctx: &JobContext,
        user: UserId,
        told: &Told,
        preferences: &Preferences,
    ) -> Result<(), Error> {
        let (now, workspace) = (job_ctx.now(), job_ctx.workspace);
        let id = PendingMailId::new(now);
        let (batch, due_at) = match preferences.when(told.level, now) {
            When::Now => (id.to_string(), now),
            When::At(due) => (format!("due_{}", due.as_microsecond()), due),
        };
        let mail = PendingMail {
            id,
            workspace,
            user,
            batch: batch.clone(),
            told: told.clone(),
            created_at: now,
            due_at,
        };
        store::mails::insert(tx, &mail).await?;
        let delay = due_at.duration_since(now).unsigned_abs();
        let how = Enqueue { delay, ..Enqueue::default() };
        self.jobs.enqueue_with(tx, &job_ctx.ctx(), SendBatch { user, batch }, how).await?;
        Ok(())
    }
}
