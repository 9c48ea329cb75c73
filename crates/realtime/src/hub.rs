use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use axum::extract::ws::Utf8Bytes;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};

use crate::Room;

/// One message on its way to the clients of a room, serialized once for all of them.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) room: Room,
    /// `None` for what is not kept.
    pub(crate) offset: Option<i64>,
    pub(crate) text: Utf8Bytes,
}

/// Who is in which room on this node.
#[derive(Default)]
pub(crate) struct Hub {
    rooms: Mutex<HashMap<Room, HashMap<u64, Outlet>>>,
    next: AtomicU64,
}

/// The hub's end of one connection.
#[derive(Clone)]
pub(crate) struct Outlet {
    pub(crate) id: u64,
    queue: mpsc::Sender<Delivery>,
    slow: Arc<Slow>,
}

#[derive(Default)]
pub(crate) struct Slow {
    pub(crate) is_slow: AtomicBool,
    pub(crate) changed: Notify,
}

/// The connection's end.
pub(crate) struct Inlet {
    pub(crate) outlet: Outlet,
    pub(crate) queue: mpsc::Receiver<Delivery>,
    pub(crate) slow: Arc<Slow>,
}

/// Messages that may wait for one client. Frames are dropped when half of it is taken.
const QUEUE: usize = 1024;

impl Hub {
    pub(crate) fn connect(&self) -> Inlet {
        let (sender, queue) = mpsc::channel(QUEUE);
        let slow = Arc::new(Slow::default());
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        Inlet { outlet: Outlet { id, queue: sender, slow: slow.clone() }, queue, slow }
    }

    /// Enters; tells how many are in the room then.
    pub(crate) fn join(&self, room: &Room, outlet: &Outlet) -> usize {
        let mut rooms = self.lock();
        let members = rooms.entry(room.clone()).or_default();
        members.insert(outlet.id, outlet.clone());
        members.len()
    }

    pub(crate) fn leave(&self, room: &Room, id: u64) {
        let mut rooms = self.lock();
        if let Some(members) = rooms.get_mut(room) {
            members.remove(&id);
            if members.is_empty() {
                rooms.remove(room);
            }
        }
    }

    pub(crate) fn members(&self, room: &Room) -> usize {
        self.lock().get(room).map_or(0, HashMap::len)
    }

    pub(crate) fn deliver(&self, delivery: &Delivery) {
        let rooms = self.lock();
        for outlet in rooms.get(&delivery.room).into_iter().flat_map(HashMap::values) {
            let is_frame = delivery.offset.is_none();
            if is_frame && outlet.queue.capacity() < QUEUE / 2 {
                metrics::counter!("realtime_frames_dropped_total").increment(1);
                continue;
            }
            if outlet.queue.try_send(delivery.clone()).is_err() && !is_frame {
                outlet.slow.is_slow.store(true, Ordering::Relaxed);
                outlet.slow.changed.notify_one();
            }
        }
    }

    /// The map is whole after any panic: every change is a single insert or remove.
    fn lock(&self) -> MutexGuard<'_, HashMap<Room, HashMap<u64, Outlet>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
