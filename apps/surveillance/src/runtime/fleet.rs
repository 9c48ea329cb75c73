//! All cameras of this process.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use kernel::WorkspaceId;
use tokio::{
    sync::{AcquireError, Notify, Semaphore, SemaphorePermit, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{Jpeg, Shot, eyes::Loaded, watched::Watched, worker::Worker};
use crate::{
    error::Error,
    model::{Camera, CameraId, CameraState, Health, ModelId},
    service::Sentinel,
    store,
};

/// The cameras at work, as the rest of the module sees them.
pub(crate) struct Fleet {
    cameras: Mutex<BTreeMap<CameraId, Arc<Watched>>>,
    workspaces: Mutex<HashMap<CameraId, WorkspaceId>>,
    wake: Notify,
    models: AtomicU64,
    loaded: tokio::sync::Mutex<Shelf>,
    places: Semaphore,
    runs: AtomicBool,
}

/// How often the database is asked whether somebody else changed something.
const LOOK: Duration = Duration::from_secs(2);
/// How often old recordings are removed.
const SWEEP: Duration = Duration::from_secs(5);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Loaded models: cameras share weights.
#[derive(Default)]
struct Shelf {
    /// Of the models, when these were loaded: a change empties the shelf, since a model may have come back with
    /// another declaration.
    generation: u64,
    models: HashMap<ModelId, Loaded>,
}

/// A running worker.
struct Crew {
    watched: Arc<Watched>,
    task: JoinHandle<()>,
}

impl Fleet {
    /// `places`: cameras that think at a time; 0 is one per core.
    pub(crate) fn new(places: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            cameras: Mutex::default(),
            workspaces: Mutex::default(),
            wake: Notify::new(),
            models: AtomicU64::new(0),
            loaded: tokio::sync::Mutex::default(),
            places: Semaphore::new(if places == 0 { cores } else { places }),
            runs: AtomicBool::new(false),
        }
    }

    fn find(&self, id: CameraId) -> Option<Arc<Watched>> {
        lock(&self.cameras).get(&id).cloned()
    }

    /// `None` where this process does not run the camera.
    pub(crate) fn health(&self, id: CameraId) -> Option<Health> {
        self.find(id).map(|watched| watched.health())
    }

    pub(crate) fn latest(&self, id: CameraId) -> Option<Arc<Shot>> {
        self.find(id)?.latest()
    }

    pub(crate) fn watch(&self, id: CameraId, overlay: bool) -> Option<watch::Receiver<Option<Jpeg>>> {
        Some(self.find(id)?.live.watch(overlay))
    }

    /// Cameras of a workspace in a state.
    pub(crate) fn count(&self, workspace: WorkspaceId, state: CameraState) -> u64 {
        let workspaces = lock(&self.workspaces).clone();
        let cameras = lock(&self.cameras);
        let fits = |(id, watched): &(&CameraId, &Arc<Watched>)| {
            workspaces.get(id) == Some(&workspace) && watched.health().state == state
        };
        cameras.iter().filter(fits).count() as u64
    }

    /// Something in the database changed.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// The camera is gone: its viewers end now.
    pub(crate) fn remove(&self, id: CameraId) {
        if let Some(watched) = lock(&self.cameras).remove(&id) {
            watched.stop.cancel();
        }
        self.wake();
    }

    pub(crate) fn restart(&self, id: CameraId) {
        if let Some(watched) = self.find(id) {
            watched.again.notify_one();
        }
        self.wake();
    }

    /// Models came, went or changed places.
    pub(crate) fn models_changed(&self) {
        self.models.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn model_generation(&self) -> u64 {
        self.models.load(Ordering::Relaxed)
    }

    /// A place to think. Waits while all are taken.
    pub(crate) async fn place(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.places.acquire().await
    }

    /// The model for a camera's setting, loaded once for all that use it; `None` is motion.
    pub(crate) async fn model(
        &self,
        sentinel: &Sentinel,
        workspace: WorkspaceId,
        setting: &str,
    ) -> Result<Option<Loaded>, Error> {
        let Some(model) = sentinel.model_for(workspace, setting).await? else {
            return if setting.len() == 64 {
                Err(Error::ModelInvalid(format!("the model {}… is not there", &setting[..8])))
            } else {
                Ok(None)
            };
        };
        let mut shelf = self.loaded.lock().await;
        let generation = self.model_generation();
        if shelf.generation != generation {
            *shelf = Shelf { generation, ..Shelf::default() };
        }
        if let Some(present) = shelf.models.get(&model.id) {
            return Ok(Some(present.clone()));
        }
        let detector = sentinel.load_model(workspace, &model).await?;
        let new = Loaded { detector, model };
        shelf.models.insert(new.model.id, new.clone());
        Ok(Some(new))
    }

    /// What `/health/ready` says of the cameras.
    pub(crate) fn summary(&self) -> Result<String, String> {
        let cameras = lock(&self.cameras);
        let online = cameras.values().filter(|watched| watched.health().state == CameraState::Online).count();
        if self.runs.load(Ordering::Relaxed) {
            Ok(format!("{online} of {} cameras online", cameras.len()))
        } else {
            Ok("cameras run in another process".to_owned())
        }
    }

    fn measure(&self) {
        let mut counts = [0_u32; CameraState::ALL.len()];
        for watched in lock(&self.cameras).values() {
            let state = watched.health().state;
            if let Some(index) = CameraState::ALL.iter().position(|known| *known == state) {
                counts[index] += 1;
            }
        }
        for (state, count) in CameraState::ALL.iter().zip(counts) {
            metrics::gauge!("surveillance_cameras", "state" => state.name()).set(f64::from(count));
        }
    }
}

/// Runs the cameras until the process stops.
pub(crate) async fn run(sentinel: Sentinel, stop: CancellationToken) {
    let mut crews: BTreeMap<CameraId, Crew> = BTreeMap::new();
    let fleet = &sentinel.fleet;
    fleet.runs.store(true, Ordering::Relaxed);
    prepare(&sentinel, &stop).await;
    let mut seen = None;
    let mut swept = tokio::time::Instant::now();
    while !stop.is_cancelled() {
        match reconcile(&sentinel, &mut crews, &mut seen, &stop).await {
            Ok(()) => {}
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the cameras could not be compared with the database; trying again"
            ),
        }
        fleet.measure();
        if swept.elapsed() >= SWEEP {
            swept = tokio::time::Instant::now();
            sweep(&sentinel).await;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = fleet.wake.notified() => seen = None,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    for crew in crews.values() {
        crew.watched.stop.cancel();
    }
    for (id, crew) in crews {
        if let Err(error) = crew.task.await {
            tracing::error!(camera.id = %id, %error, "a camera's worker failed");
        }
        lock(&fleet.cameras).remove(&id);
    }
    fleet.runs.store(false, Ordering::Relaxed);
}

/// Takes up what an earlier process left, however long the database takes to come.
async fn prepare(sentinel: &Sentinel, stop: &CancellationToken) {
    let ring = sentinel.ring.clone();
    drop(tokio::task::spawn_blocking(move || ring.recover()).await);
    while !stop.is_cancelled() {
        match sentinel.recover().await {
            Ok(()) => return,
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "events of an earlier run could not be ended; trying again"
            ),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

type Fingerprint = (u64, Option<kernel::Timestamp>, u64);

async fn reconcile(
    sentinel: &Sentinel,
    crews: &mut BTreeMap<CameraId, Crew>,
    seen: &mut Option<(Fingerprint, Vec<WorkspaceId>)>,
    stop: &CancellationToken,
) -> Result<(), Error> {
    let fleet = &sentinel.fleet;
    // A worker that is gone by itself has failed: it gets another.
    let gone: Vec<CameraId> =
        crews.iter().filter(|(_, crew)| crew.task.is_finished()).map(|(id, _)| *id).collect();
    for id in gone {
        let Some(crew) = crews.remove(&id) else { continue };
        let asked = crew.watched.stop.is_cancelled();
        if let Err(error) = crew.task.await {
            tracing::error!(camera.id = %id, %error, "a camera's worker failed; starting it again");
            sentinel.end_left_events(Some(id)).await?;
        }
        if !asked {
            *seen = None;
        }
        let mut cameras = lock(&fleet.cameras);
        if cameras.get(&id).is_some_and(|present| Arc::ptr_eq(present, &crew.watched)) {
            cameras.remove(&id);
        }
    }
    let mut tx = sentinel.db.read().await?;
    // Of workspaces that were deleted no camera runs; those of one that comes back start again.
    let closed = sentinel.directory.closed_workspaces(&mut tx).await?;
    let now = (store::cameras::fingerprint(&mut tx).await?, closed);
    if seen.as_ref() == Some(&now) {
        return Ok(());
    }
    let wanted: BTreeMap<CameraId, Camera> = store::cameras::list_enabled(&mut tx)
        .await?
        .into_iter()
        .filter(|camera| !now.1.contains(&camera.workspace))
        .map(|camera| (camera.id, camera))
        .collect();
    drop(tx);
    for (id, crew) in crews.iter() {
        match wanted.get(id) {
            Some(camera) => crew.watched.change(camera),
            None => {
                crew.watched.stop.cancel();
                lock(&fleet.cameras).remove(id);
            }
        }
    }
    let mut complete = true;
    for (id, camera) in wanted {
        lock(&fleet.workspaces).insert(id, camera.workspace);
        if crews.contains_key(&id) {
            // Switched off and on again before the old worker was gone: its place is free at the next look.
            complete &= !crews.get(&id).is_some_and(|crew| crew.watched.stop.is_cancelled());
            continue;
        }
        let watched = Arc::new(Watched::new(camera, stop.child_token(), &*sentinel.clock));
        lock(&fleet.cameras).insert(id, watched.clone());
        let worker = Worker::new(sentinel.clone(), watched.clone());
        let task = sentinel.spawner.spawn("camera", worker.run());
        crews.insert(id, Crew { watched, task });
    }
    if complete {
        *seen = Some(now);
    } else {
        fleet.wake();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Removes recordings that no clip will need.
async fn sweep(sentinel: &Sentinel) {
    let spans = match sentinel.wanted_spans().await {
        Ok(spans) => spans,
        Err(error) => {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "what clips need could not be read; nothing is purged"
            );
            return;
        }
    };
    let config = &sentinel.config;
    // Time for an event to be noticed and written, besides what a clip shows before it.
    let kept_ms = config.pre_roll_ms + 3 * config.segment_ms + 15_000;
    let kept_us = i64::try_from(kept_ms).unwrap_or(i64::MAX).saturating_mul(1000);
    let newest: BTreeMap<CameraId, i64> = lock(&sentinel.fleet.cameras)
        .iter()
        .map(|(id, watched)| (*id, watched.latest().map_or(i64::MIN, |shot| shot.at.as_microsecond())))
        .collect();
    let ring = sentinel.ring.clone();
    let work = move || {
        for camera in ring.cameras() {
            let wanted: Vec<(i64, i64)> =
                spans.iter().filter(|(of, ..)| *of == camera).map(|(_, from, to)| (*from, *to)).collect();
            // Nothing new comes of a camera that is off.
            let before_us = newest.get(&camera).map_or(i64::MAX, |newest| newest.saturating_sub(kept_us));
            ring.purge(camera, before_us, &wanted);
        }
    };
    if let Err(error) = tokio::task::spawn_blocking(work).await {
        tracing::error!(%error, "old recordings could not be purged");
    }
}
