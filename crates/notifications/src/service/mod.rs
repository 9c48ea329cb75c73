//! Use cases: who is told what, by which way.

mod deliver;
mod failures;
mod inbox;
mod keep;
mod mails;
mod notify;
mod preferences;
mod reader;
mod webhooks;

use std::{collections::BTreeMap, ops::Deref, sync::Arc};

use db::Db;
use jobs::Jobs;
use kernel::{Clock, Ctx, UserId, WorkspaceId};
use outbound::Outbound;
use platform::{Directory, Manifest, Notice, Platform, Topic};
use realtime::Events;

pub(crate) use failures::watch_failures;
pub(crate) use notify::OwnWords;
pub(crate) use preferences::PreferencesView;
pub(crate) use webhooks::{WebhookChange, WebhookDraft};

use crate::{Config, MailConfig, error::Error, mail::Mailer};

/// The module's service. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Notifications(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) jobs: Jobs,
    pub(crate) events: Events,
    pub(crate) directory: Directory,
    pub(crate) outbound: Outbound,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Config,
    pub(crate) mailer: Mailer,
    pub(crate) public_url: String,
    /// What modules tell people, by topic.
    notices: BTreeMap<&'static str, &'static Notice>,
    /// What webhooks can hear.
    topics: Vec<Topic>,
}

impl Deref for Notifications {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Notifications {
    pub(crate) fn new(
        platform: &Platform,
        mail: &MailConfig,
        config: Config,
        manifests: &[&'static Manifest],
    ) -> anyhow::Result<Self> {
        // What goes to one person's room is not for webhooks.
        let heard = manifests.iter().filter(|manifest| manifest.name != crate::MANIFEST.name);
        let mut topics: Vec<Topic> =
            heard.flat_map(|manifest| manifest.topics).filter(|topic| topic.stored).copied().collect();
        topics.sort_unstable_by_key(|topic| topic.name);
        let public_url = platform.public_url.trim_end_matches('/').to_owned();
        Ok(Self(Arc::new(Inner {
            db: platform.db.clone(),
            jobs: platform.jobs.clone(),
            events: platform.events.clone(),
            directory: platform.directory.clone(),
            outbound: platform.outbound.clone(),
            clock: platform.clock.clone(),
            config,
            mailer: Mailer::new(mail, &public_url)?,
            public_url,
            notices: manifests
                .iter()
                .flat_map(|manifest| manifest.notices)
                .map(|notice| (notice.topic, notice))
                .collect(),
            topics,
        })))
    }

    pub(crate) fn notice(&self, topic: &str) -> Option<&'static Notice> {
        self.notices.get(topic).copied()
    }

    pub(crate) fn notices(&self) -> impl Iterator<Item = &'static Notice> {
        self.notices.values().copied()
    }

    /// What webhooks can hear, by name.
    pub(crate) fn topics(&self) -> &[Topic] {
        &self.topics
    }

    pub(crate) fn system_ctx(&self, why: &'static str, workspace: WorkspaceId) -> Ctx {
        Ctx::system(why, workspace, self.clock.now())
    }
}

/// Only people have notifications.
fn person(ctx: &Ctx) -> Result<UserId, Error> {
    ctx.actor.user().ok_or(Error::NotAPerson)
}
