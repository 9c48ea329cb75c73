//! Predictions of registered models.
//!
//! A call's life: the version is found by one read; its model is taken from the cache, or loaded once however many ask;
//! then the call waits for one of few places, and in it, in the process that the model has to itself ([`crate::worker`]),
//! its rows are read, held against the signature, run and written down. Nothing of that happens on the threads that serve
//! connections.

mod files;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use kernel::{Allow, Ctx, ToProblem as _, WorkspaceId};
use moka::{future::Cache, policy::EvictionPolicy};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout_at,
};

use super::{Ml, registry, versions};
use crate::{
    Config,
    error::Error,
    model::{
        Stage, Version,
        scoring::{Described, ServingError},
    },
    permissions::InvokeModels,
    store,
    worker::{Ask, Form, Process, Ready, Worker},
};

/// Which version of a model is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one that the alias `champion` points at; without it the newest.
    Default,
    Version(i64),
    Alias(String),
    Stage(Stage),
}

const CHAMPION: &str = "champion";

/// A model that is ready.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) name: String,
    pub(crate) version: i64,
    pub(crate) described: Described,
    pub(crate) ready: Ready,
    process: Process,
    _held: Held,
}

/// Tells the gauges while a model is in memory, also after it has left the cache.
#[derive(Debug)]
struct Held(f64);

impl Held {
    fn new(bytes: usize) -> Self {
        let held = Self(bytes as f64);
        metrics::gauge!("ml_loaded_models").increment(1.0);
        metrics::gauge!("ml_loaded_models_bytes").increment(held.0);
        held
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        metrics::gauge!("ml_loaded_models").decrement(1.0);
        metrics::gauge!("ml_loaded_models_bytes").decrement(self.0);
    }
}

/// Models that are kept ready, and the places in which they compute.
pub(crate) struct Serving {
    models: Cache<(WorkspaceId, i64), Arc<Served>>,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
    memory_bytes: u64,
    timeout_s: u32,
    worker: Worker,
}

/// What a process takes without its model.
const PROCESS_BYTES: usize = 8 << 20;
/// So many calls may wait for each place: more would hold memory, and be too late anyway.
const WAITING_PER_PLACE: usize = 32;
/// The files of a version do not change; if somebody does it all the same, that is seen after so long.
const KEPT: Duration = Duration::from_secs(600);

impl Serving {
    pub(super) fn new(config: &Config, worker: Worker) -> Self {
        let memory_bytes = config.serving_memory().unwrap_or(0);
        let places = match config.serving_at_once {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            places => usize::try_from(places).unwrap_or(1),
        };
        // Counted in KiB: the cache's weights have 32 bits.
        let weight = |bytes: u64| u32::try_from(bytes >> 10).unwrap_or(u32::MAX).max(1);
        let models = Cache::builder()
            .max_capacity(memory_bytes >> 10)
            .weigher(move |_, served: &Arc<Served>| weight((served.ready.size_bytes + PROCESS_BYTES) as u64))
            .eviction_policy(EvictionPolicy::lru())
            .time_to_live(KEPT)
            .build();
        Self {
            models,
            places: Arc::new(Semaphore::new(places)),
            waiting: AtomicUsize::new(0),
            waiting_max: places.saturating_mul(WAITING_PER_PLACE),
            memory_bytes,
            timeout_s: config.serving_timeout_s,
            worker,
        }
    }

    /// What a model's process may take: the files as they are and as they are kept ready, and what calls compute.
    fn process_bytes(&self) -> u64 {
        self.memory_bytes.saturating_mul(2)
    }

    /// A place to compute in. It is held until the work is over, also if nobody waits for that any more.
    async fn place(&self, deadline: tokio::time::Instant) -> Result<OwnedSemaphorePermit, ServingError> {
        struct Waits<'a>(&'a AtomicUsize);
        impl Drop for Waits<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        if let Ok(permit) = self.places.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waits = Waits(&self.waiting);
        if before >= self.waiting_max {
            return Err(ServingError::Busy);
        }
        match timeout_at(deadline, self.places.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(ServingError::Busy),
        }
    }

    /// Does it in a place, on a thread that may block. `work` hears how long it may take.
    async fn compute<T: Send + 'static>(
        &self,
        phase: &'static str,
        work: impl FnOnce(Duration) -> Result<T, ServingError> + Send + 'static,
    ) -> Result<T, ServingError> {
        let queued = Instant::now();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(self.timeout_s.into());
        let permit = self.place(deadline).await?;
        metrics::histogram!("ml_invocation_seconds", "phase" => "queue")
            .record(queued.elapsed().as_secs_f64());
        let work = tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            let made = work(deadline.saturating_duration_since(began.into()));
            metrics::histogram!("ml_invocation_seconds", "phase" => phase)
                .record(began.elapsed().as_secs_f64());
            drop(permit);
            made
        });
        match timeout_at(deadline, work).await {
            Ok(Ok(Err(ServingError::Timeout { .. }))) | Err(_) => {
                Err(ServingError::Timeout { seconds: self.timeout_s })
            }
            Ok(Ok(made)) => made,
            Ok(Err(_)) => Err(ServingError::Failed("the engine gave up".to_owned())),
        }
    }
}

impl Ml {
    /// The body of the answer, and the model that gave it.
    pub(crate) async fn invoke(
        &self,
        allow: &Allow<InvokeModels>,
        name: &str,
        which: &Which,
        form: Form,
        body: Bytes,
    ) -> Result<(Arc<Served>, Vec<u8>), Error> {
        let made = self.predict(allow, name, which, form, body).await;
        let outcome = match &made {
            Ok(_) => "ok",
            Err(Error::Serving(error)) => error.outcome(),
            Err(error) if error.problem().status == 404 => "not_found",
            Err(error) if error.problem().status < 500 => "refused",
            Err(_) => "error",
        };
        metrics::counter!("ml_invocations_total", "outcome" => outcome).increment(1);
        made
    }

    async fn predict(
        &self,
        ctx: &Ctx,
        name: &str,
        which: &Which,
        form: Form,
        body: Bytes,
    ) -> Result<(Arc<Served>, Vec<u8>), Error> {
        let served = self.served(ctx, name, which).await?;
        let asked = served.clone();
        let run = move |within| asked.process.ask(&Ask::Run(form), &body, within);
        let (_, predictions) = self.serving.compute("run", run).await?;
        Ok((served, predictions))
    }

    /// The model that would answer, ready.
    pub(crate) async fn describe_serving(
        &self,
        allow: &Allow<InvokeModels>,
        name: &str,
        which: &Which,
    ) -> Result<Arc<Served>, Error> {
        self.served(allow, name, which).await
    }

    async fn served(&self, ctx: &Ctx, name: &str, which: &Which) -> Result<Arc<Served>, Error> {
        let version = self.find_serving(ctx, name, which).await?;
        let key = (ctx.workspace, version.id);
        if self.serving.models.get(&key).await.is_some_and(|served| served.process.is_gone()) {
            self.serving.models.invalidate(&key).await;
        }
        let loaded = self.serving.models.try_get_with(key, self.load_served(ctx.workspace, version)).await;
        // Who waited for the same load gets the same error.
        loaded.map_err(|shared| match &*shared {
            Error::Serving(error) => Error::Serving(error.clone()),
            other => {
                let problem = other.problem();
                if problem.status >= 500 {
                    tracing::error!(error = other as &dyn std::error::Error, "a model could not be read");
                }
                Error::Refused(problem)
            }
        })
    }

    /// `name` may be `name@alias`, as in MLflow's addresses of models.
    async fn find_serving(&self, ctx: &Ctx, name: &str, which: &Which) -> Result<Version, Error> {
        let mut tx = self.db.read().await?;
        let (model, which) = match registry::get(&mut tx, ctx, name).await {
            Ok(model) => (model, which.clone()),
            Err(error @ Error::NotFound(_)) => match name.rsplit_once('@') {
                Some((bare, alias)) if *which == Which::Default => {
                    (registry::get(&mut tx, ctx, bare).await?, Which::Alias(alias.to_owned()))
                }
                _ => return Err(error),
            },
            Err(error) => return Err(error),
        };
        let name = &model.name;
        let latest = async |tx: &mut db::Tx| -> Result<Vec<Version>, Error> {
            let mut latest = store::versions::latest_of(tx, &[model.id]).await?;
            Ok(latest.remove(&model.id).unwrap_or_default())
        };
        let alias_of =
            async |tx: &mut db::Tx, alias: &str| store::registry::find_alias(tx, model.id, alias).await;
        let number = match &which {
            Which::Version(number) => *number,
            Which::Alias(alias) => alias_of(&mut tx, alias)
                .await?
                .ok_or_else(|| Error::not_found(format!("model {name} has no alias {alias}")))?,
            Which::Stage(stage) => {
                let versions = latest(&mut tx).await?;
                let found = versions.into_iter().find(|version| version.stage == stage.name());
                let none =
                    || Error::not_found(format!("no version of model {name} is in stage {}", stage.name()));
                return found.ok_or_else(none);
            }
            Which::Default => match alias_of(&mut tx, CHAMPION).await? {
                Some(number) => number,
                None => {
                    let newest = latest(&mut tx).await?.pop();
                    return newest
                        .ok_or_else(|| Error::not_found(format!("model {name} has no version yet")));
                }
            },
        };
        versions::get(&mut tx, ctx, name, number).await
    }
}
