use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use kernel::UserId;
use tokio::sync::{Notify, mpsc};

use crate::{Room, delivery::Delivery, presence::Here};

/// Who is in which room on this node.
#[derive(Default)]
pub(crate) struct Hub {
    rooms: Mutex<HashMap<Room, Members>>,
    next: AtomicU64,
    /// Rooms whose members changed since they were last taken.
    dirty: Mutex<HashSet<Room>>,
    changed: Notify,
}

#[derive(Default)]
struct Members {
    all: HashMap<u64, Arc<Outlet>>,
    /// Those who asked to hear who comes and goes.
    watching: HashSet<u64>,
}

/// The hub's end of one connection.
pub(crate) struct Outlet {
    pub(crate) id: u64,
    user: Option<UserId>,
    queue: mpsc::Sender<Arc<Delivery>>,
    /// Set for good when an event found no room in the queue.
    pub(crate) is_slow: AtomicBool,
    pub(crate) slow: Notify,
}

/// The connection's end.
pub(crate) struct Inlet {
    pub(crate) outlet: Arc<Outlet>,
    pub(crate) queue: mpsc::Receiver<Arc<Delivery>>,
}

/// Messages that may wait for one client. Frames are dropped when half of it is taken. The queue takes memory as it fills.
const QUEUE: usize = 1024;

impl Hub {
    pub(crate) fn connect(&self, user: Option<UserId>) -> Inlet {
        let (sender, queue) = mpsc::channel(QUEUE);
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let outlet = Outlet { id, user, queue: sender, is_slow: AtomicBool::new(false), slow: Notify::new() };
        Inlet { outlet: Arc::new(outlet), queue }
    }

    /// Enters. `watches`: hears who comes and goes.
    pub(crate) fn join(&self, room: &Room, outlet: &Arc<Outlet>, watches: bool) {
        let mut rooms = lock(&self.rooms);
        let members = rooms.entry(room.clone()).or_default();
        members.all.insert(outlet.id, outlet.clone());
        if watches {
            members.watching.insert(outlet.id);
        } else {
            members.watching.remove(&outlet.id);
        }
        drop(rooms);
        self.note_change(room);
    }

    pub(crate) fn leave(&self, room: &Room, id: u64) {
        let mut rooms = lock(&self.rooms);
        if let Some(members) = rooms.get_mut(room) {
            members.all.remove(&id);
            members.watching.remove(&id);
            if members.all.is_empty() {
                rooms.remove(room);
            }
        }
        drop(rooms);
        self.note_change(room);
    }

    fn note_change(&self, room: &Room) {
        lock(&self.dirty).insert(room.clone());
        self.changed.notify_one();
    }

    /// Until somebody has entered or left a room.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The rooms that changed since the last call, as they are now.
    pub(crate) fn take_changed(&self) -> Vec<(Room, Here)> {
        let dirty = std::mem::take(&mut *lock(&self.dirty));
        dirty.into_iter().map(|room| (room.clone(), self.here(&room))).collect()
    }

    /// To be taken again.
    pub(crate) fn mark_changed(&self, rooms: impl IntoIterator<Item = Room>) {
        lock(&self.dirty).extend(rooms);
    }

    /// Every room of this node, for a table that has lost them.
    pub(crate) fn mark_all_changed(&self) {
        let rooms: Vec<_> = lock(&self.rooms).keys().cloned().collect();
        self.mark_changed(rooms);
    }

    pub(crate) fn members(&self, room: &Room) -> usize {
        lock(&self.rooms).get(room).map_or(0, |members| members.all.len())
    }

    /// Who is in the room on this node.
    pub(crate) fn here(&self, room: &Room) -> Here {
        let rooms = lock(&self.rooms);
        let Some(members) = rooms.get(room) else { return Here::default() };
        let mut users = BTreeSet::new();
        for user in members.all.values().filter_map(|outlet| outlet.user) {
            if users.len() >= Here::USERS_MAX {
                break;
            }
            users.insert(user);
        }
        Here { connections: members.all.len() as u64, users }
    }

    /// Rooms in which somebody wants to hear who comes and goes.
    pub(crate) fn watched(&self) -> Vec<Room> {
        let rooms = lock(&self.rooms);
        rooms
            .iter()
            .filter(|(_, members)| !members.watching.is_empty())
            .map(|(room, _)| room.clone())
            .collect()
    }

    pub(crate) fn deliver(&self, delivery: &Arc<Delivery>) {
        let rooms = lock(&self.rooms);
        let members = rooms.get(&delivery.room).into_iter().flat_map(|members| members.all.values());
        for outlet in members {
            outlet.push(delivery);
        }
    }

    /// To those who watch the room's presence.
    pub(crate) fn deliver_to_watching(&self, delivery: &Arc<Delivery>) {
        let rooms = lock(&self.rooms);
        let Some(members) = rooms.get(&delivery.room) else { return };
        for outlet in members.watching.iter().filter_map(|id| members.all.get(id)) {
            outlet.push(delivery);
        }
    }
}

impl Outlet {
    fn push(&self, delivery: &Arc<Delivery>) {
        let is_kept = delivery.offset.is_some();
        if !is_kept && self.queue.capacity() < QUEUE / 2 {
            metrics::counter!("realtime_frames_dropped_total").increment(1);
            return;
        }
        if self.queue.try_send(delivery.clone()).is_err() && is_kept {
            self.is_slow.store(true, Ordering::Relaxed);
            self.slow.notify_one();
        }
    }
}

/// The maps are whole after any panic: every change is a single insert or remove.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
