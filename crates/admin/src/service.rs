mod cache;
mod schedules;
mod tasks;

use std::sync::Arc;

use ::settings::{Change, ChangeId, Item};
use db::PoolState;
use kernel::{Allow, Clock, Timestamp};
use outbound::BreakerInfo;
use platform::{
    Manifest, Platform, Role, installation,
    nodes::{self, Node},
};
use serde_json::Value;
use web::Feed;

use crate::{
    Overview, RenderMetrics,
    error::Error,
    health::{self, Component},
    permissions::{ReadSettings, ReadSystem, WriteSettings},
    process::{self, Disk, Process},
};

pub(crate) use self::tasks::TaskScope;

#[derive(Clone)]
pub(crate) struct Admin(Arc<Inner>);

struct Inner {
    platform: Platform,
    overview: Overview,
    started_at: Timestamp,
}

/// The installation as this process sees it.
pub(crate) struct System {
    pub(crate) version: &'static str,
    pub(crate) started_at: Timestamp,
    pub(crate) uptime_s: u64,
    pub(crate) engine: &'static str,
    pub(crate) storage: &'static str,
    pub(crate) roles: Vec<Role>,
    pub(crate) components: Vec<Component>,
    pub(crate) process: Process,
    pub(crate) disk: Option<Disk>,
    /// Whether Redis answers, where one is configured.
    pub(crate) redis: Option<bool>,
    pub(crate) pool: PoolState,
    pub(crate) breakers: Vec<BreakerInfo>,
    pub(crate) now: Timestamp,
    pub(crate) nodes: Vec<Node>,
    pub(crate) manifests: &'static [&'static Manifest],
}

impl Admin {
    pub(crate) fn new(platform: &Platform, overview: Overview) -> Self {
        let started_at = platform.clock.now();
        Self(Arc::new(Inner { platform: platform.clone(), overview, started_at }))
    }

    pub(crate) fn settings(&self, _: &Allow<ReadSettings>) -> Vec<Item> {
        self.0.platform.settings.list()
    }

    pub(crate) async fn set_setting(
        &self,
        allow: &Allow<WriteSettings>,
        key: &str,
        value: Value,
    ) -> Result<Item, Error> {
        Ok(self.0.platform.settings.set(allow, key, Some(value)).await?)
    }

    pub(crate) async fn reset_setting(&self, allow: &Allow<WriteSettings>, key: &str) -> Result<Item, Error> {
        Ok(self.0.platform.settings.set(allow, key, None).await?)
    }

    pub(crate) async fn setting_changes(
        &self,
        _: &Allow<ReadSettings>,
        key: Option<&str>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Feed<Change>, Error> {
        let changes = self.0.platform.settings.changes(key, before, limit).await?;
        Ok(Feed::new(changes, limit, |change| change.position))
    }

    pub(crate) async fn undo_setting(
        &self,
        allow: &Allow<WriteSettings>,
        id: ChangeId,
        force: bool,
    ) -> Result<Item, Error> {
        Ok(self.0.platform.settings.undo(allow, id, force).await?)
    }

    /// Name, notice at sign-in and default language.
    pub(crate) fn installation(&self) -> [String; 3] {
        [installation::NAME, installation::SIGN_IN_NOTICE, installation::DEFAULT_LANGUAGE]
            .map(|setting| self.0.platform.settings.get(&setting))
    }

    pub(crate) async fn system(&self, _: &Allow<ReadSystem>) -> System {
        let now = self.0.platform.clock.now();
        System {
            version: self.0.overview.version,
            started_at: self.0.started_at,
            uptime_s: now.duration_since(self.0.started_at).unsigned_abs().as_secs(),
            engine: self.0.platform.db.engine().name(),
            storage: self.0.platform.storage.place(),
            roles: self.0.overview.roles.clone(),
            components: self.components().await,
            process: process::measure(),
            disk: process::disk(&self.0.platform.data),
            redis: self.redis_answers().await,
            pool: self.0.platform.db.pool_state(),
            breakers: self.0.platform.outbound.breakers(),
            now,
            nodes: self.nodes(now).await,
            manifests: self.0.overview.manifests,
        }
    }

    /// None where the database does not answer: the components say so.
    async fn nodes(&self, now: Timestamp) -> Vec<Node> {
        let listed = async {
            let mut tx = self.0.platform.db.read().await?;
            nodes::list(&mut tx, now).await
        };
        health::within_limit(listed).await.unwrap_or_default()
    }

    pub(crate) async fn components(&self) -> Vec<Component> {
        health::examine(&self.0.platform, &self.0.overview.checks).await
    }

    pub(crate) async fn database_answers(&self) -> bool {
        health::within_limit(self.0.platform.db.ping()).await.is_some()
    }

    /// `None`: there is none to answer.
    pub(crate) async fn redis_answers(&self) -> Option<bool> {
        let redis = &self.0.platform.redis;
        if redis.is_configured() { Some(redis.answers().await) } else { None }
    }

    pub(crate) fn metrics(&self, shown: Option<&str>) -> Result<String, Error> {
        let wanted = self.0.overview.metrics_token.expose();
        // The hashes are of one length, and comparing them takes the same time for all.
        let hash = |text: &str| blake3::hash(text.as_bytes());
        if !wanted.is_empty() && shown.is_none_or(|shown| hash(shown) != hash(wanted)) {
            return Err(Error::MetricsToken);
        }
        process::record(&self.0.platform);
        let render: &RenderMetrics = &self.0.overview.render_metrics;
        Ok(render())
    }
}
