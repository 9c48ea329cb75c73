//! Use cases: permission, rules, transaction, jobs, events.

mod cameras;
mod clips;
mod events;
mod media;
mod models;
mod notices;
mod record;
mod stats;
mod transfer;

use std::{path::PathBuf, sync::Arc, time::Duration};

use ::settings::RuntimeSettings;
use cache::Cached;
use db::Db;
use jobs::Jobs;
use kernel::{Clock, Ctx, Timestamp, WorkspaceId};
use outbound::Outbound;
use platform::{Directory, Platform, Quotas};
use realtime::Events;
use storage::Storage;

pub(crate) use cameras::Tested;
pub(crate) use media::Watching;
pub(crate) use models::{ModelFile, read_model_file};
pub(crate) use record::Recorded;
pub(crate) use stats::Stats;

use crate::{
    Config,
    capture::{Ffmpeg, Gate, Ring},
    model::DetectionModel,
    runtime::Fleet,
    settings::{LIVE_QUALITY, SNAPSHOT_QUALITY},
};

/// The module's service. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Sentinel(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) jobs: Jobs,
    pub(crate) events: Events,
    pub(crate) storage: Storage,
    /// By the hours that they cover.
    stats_cache: Cached<String, Stats>,
    /// By limit and offset: a page and how many there are.
    models_cache: Cached<String, (Vec<DetectionModel>, u64)>,
    pub(crate) outbound: Outbound,
    pub(crate) directory: Directory,
    pub(crate) quotas: Quotas,
    pub(crate) settings: RuntimeSettings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) spawner: platform::Spawner,
    pub(crate) config: Config,
    pub(crate) time_zone: jiff::tz::TimeZone,
    pub(crate) ffmpeg: Ffmpeg,
    pub(crate) gate: Gate,
    pub(crate) ring: Ring,
    /// For clips while they are joined and models while they arrive.
    pub(crate) scratch: PathBuf,
    pub(crate) fleet: Fleet,
}

/// What changes something that is kept forgets it; this bounds what another process without a shared cache may show.
const STATS_TTL: Duration = Duration::from_secs(30);
/// Shorter: whoever pulls a model by the command line looks for it in the console.
const MODELS_TTL: Duration = Duration::from_secs(5);

impl std::ops::Deref for Sentinel {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Sentinel {
    /// The workspace of this slug or id, or the first one: for the command line, where no caller brings one.
    pub(crate) async fn find_workspace(&self, name: Option<&str>) -> db::Result<Option<WorkspaceId>> {
        let mut tx = self.db.read().await?;
        self.directory.find_workspace(&mut tx, name).await
    }

    pub(crate) fn new(platform: &Platform, config: Config) -> anyhow::Result<Self> {
        let faults = config.validate();
        anyhow::ensure!(faults.is_empty(), "{}", faults.join("; "));
        // One process has one provider of TLS; whoever comes first sets it.
        drop(rustls::crypto::ring::default_provider().install_default());
        let media = platform.data.join("media");
        let mut roots = vec![media];
        roots.extend(config.file_roots.iter().cloned());
        crate::settings::connect(platform, &config);
        let fleet = Fleet::new(config.analysis_slots as usize);
        Ok(Self(Arc::new(Inner {
            db: platform.db.clone(),
            jobs: platform.jobs.clone(),
            events: platform.events.clone(),
            storage: platform.storage.clone(),
            stats_cache: platform.cache.cached("surveillance.stats", STATS_TTL),
            models_cache: platform.cache.cached("surveillance.models", MODELS_TTL),
            outbound: platform.outbound.clone(),
            directory: platform.directory.clone(),
            quotas: platform.quotas.clone(),
            settings: platform.settings.clone(),
            clock: platform.clock.clone(),
            spawner: platform.spawner.clone(),
            time_zone: config.zone()?,
            ffmpeg: Ffmpeg::new(&config.ffmpeg),
            gate: Gate::new(&config.allow_networks, roots),
            ring: Ring::new(platform.data.join("surveillance/ring")),
            scratch: platform.data.join("surveillance/scratch"),
            fleet,
            config,
        })))
    }

    /// JPEG quality of live pictures and of snapshots, as set now.
    pub(crate) fn qualities(&self) -> (u8, u8) {
        let quality = |setting| u8::try_from(self.settings.get::<i64>(setting)).unwrap_or(100);
        (quality(&LIVE_QUALITY), quality(&SNAPSHOT_QUALITY))
    }

    pub(crate) fn system_ctx(&self, why: &'static str, workspace: WorkspaceId) -> Ctx {
        Ctx::system(why, workspace, self.clock.now())
    }
}

/// `at` moved back by a span that may be of any size.
pub(crate) fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}
