//! What the rest of the module sees of a camera at work.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::{Clock, Timestamp};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::{Shot, live::Live};
use crate::model::{Camera, CameraState, Health};

/// Shared between a worker and those who ask about its camera.
#[derive(Debug)]
pub(crate) struct Watched {
    camera: watch::Sender<Arc<Camera>>,
    health: Mutex<Health>,
    latest: Mutex<Option<Arc<Shot>>>,
    pub(crate) live: Live,
    /// Close the source and open it again.
    pub(crate) again: Notify,
    /// The camera is gone or switched off.
    pub(crate) stop: CancellationToken,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watched {
    pub(crate) fn new(camera: Camera, stop: CancellationToken, clock: &dyn Clock) -> Self {
        Self {
            health: Mutex::new(Health { state: CameraState::Starting, ..Health::stopped(clock.now()) }),
            camera: watch::channel(Arc::new(camera)).0,
            latest: Mutex::default(),
            live: Live::default(),
            again: Notify::new(),
            stop,
        }
    }

    /// The camera as it is now, and its changes.
    pub(crate) fn camera(&self) -> watch::Receiver<Arc<Camera>> {
        self.camera.subscribe()
    }

    /// Takes a changed camera over; its worker sees to it.
    pub(crate) fn change(&self, camera: &Camera) {
        self.camera.send_if_modified(|present| {
            let changed = **present != *camera;
            if changed {
                *present = Arc::new(camera.clone());
            }
            changed
        });
    }

    /// A copy, whose age of the last picture is right.
    pub(crate) fn health(&self) -> Health {
        lock(&self.health).clone()
    }

    pub(crate) fn note<T>(&self, change: impl FnOnce(&mut Health) -> T) -> T {
        change(&mut lock(&self.health))
    }

    pub(crate) fn enter(&self, state: CameraState, message: Option<String>, now: Timestamp) {
        self.note(|health| health.enter(state, message, now));
    }

    pub(crate) fn latest(&self) -> Option<Arc<Shot>> {
        lock(&self.latest).clone()
    }

    /// Gives the shot before.
    pub(crate) fn set_latest(&self, shot: Option<Arc<Shot>>) -> Option<Arc<Shot>> {
        std::mem::replace(&mut *lock(&self.latest), shot)
    }
}
