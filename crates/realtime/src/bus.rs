//! What nodes tell one another over Redis: that there is something new in the outbox, that people came or went, and the
//! frames that somebody on another node watches. Nothing of it is needed for an event to arrive: without Redis each node
//! finds events by itself, a moment later.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use kernel::Timestamp;
use rand::{Rng as _, distr::Alphanumeric};
use redislink::{Notice, RedisLink};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::{Room, delivery::Delivery, hub::Hub};

/// A message between nodes. Tagged from outside: a raw value cannot be read through serde's other ways.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Note {
    /// There is something new in the outbox.
    Wake {
        from: String,
    },
    /// People came or went.
    Presence {
        from: String,
    },
    /// Who has clients in one of these rooms?
    Ask {
        from: String,
        rooms: Vec<String>,
    },
    /// I have, in these.
    Here {
        from: String,
        rooms: Vec<String>,
    },
    Frame {
        room: String,
        topic: String,
        at: Timestamp,
        data: Box<RawValue>,
    },
}

pub(crate) struct Bus {
    redis: RedisLink,
    node: String,
    out: mpsc::Sender<Out>,
    waiting: Mutex<Option<mpsc::Receiver<Out>>>,
    interest: Mutex<HashMap<Room, Interest>>,
    asked: Notify,
    /// Another node has told that the outbox has something.
    pub(crate) woken: Notify,
    /// Another node has told that people came or went.
    pub(crate) presence: Notify,
}

enum Out {
    Wake,
    Presence,
    Frame { nodes: Vec<String>, frame: Note },
}

/// Where else a room is watched, as of the last answers.
struct Interest {
    wanted_at: Instant,
    nodes: HashMap<String, Instant>,
}

const ALL: &str = "realtime";
/// How often it is asked who watches the rooms that frames are made for.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// An answer counts for this long: a node that died stops being sent frames.
const ANSWER_LIFE: Duration = Duration::from_millis(3_500);
/// A room for which nobody made frames for so long is not asked about any more.
const WANTED_LIFE: Duration = Duration::from_secs(10);
/// Messages that wait for Redis. Frames are dropped beyond; wakes are many alike.
const QUEUE: usize = 1024;

impl Bus {
    pub(crate) fn new(redis: RedisLink) -> Self {
        let (out, waiting) = mpsc::channel(QUEUE);
        Self {
            redis,
            node: rand::rng().sample_iter(Alphanumeric).take(16).map(char::from).collect(),
            out,
            waiting: Mutex::new(Some(waiting)),
            interest: Mutex::default(),
            asked: Notify::new(),
            woken: Notify::new(),
            presence: Notify::new(),
        }
    }

    /// This node's name among the others.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// Something of ours is in the outbox: the others need not wait for their next look.
    pub(crate) fn wake_others(&self) {
        self.send(Out::Wake);
    }

    pub(crate) fn tell_presence(&self) {
        self.send(Out::Presence);
    }

    fn send(&self, out: Out) {
        if self.redis.is_configured() && self.out.try_send(out).is_err() {
            metrics::counter!("realtime_bus_dropped_total").increment(1);
        }
    }

    /// Whether clients of other nodes watch the room. Unknown rooms are asked for; the answer counts from the next call.
    pub(crate) fn is_watched_elsewhere(&self, room: &Room) -> bool {
        self.redis.is_configured() && !self.nodes_that_watch(room).is_empty()
    }

    fn nodes_that_watch(&self, room: &Room) -> Vec<String> {
        let now = Instant::now();
        let mut interest = self.interest.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = interest.get_mut(room) else {
            interest.insert(room.clone(), Interest { wanted_at: now, nodes: HashMap::new() });
            self.asked.notify_one();
            return Vec::new();
        };
        known.wanted_at = now;
        known.nodes.retain(|_, at| now.duration_since(*at) < ANSWER_LIFE);
        known.nodes.keys().cloned().collect()
    }

    /// To the nodes that have clients in the room.
    pub(crate) fn frame(&self, room: &Room, topic: &str, at: Timestamp, data: &RawValue) {
        if !self.redis.is_configured() {
            return;
        }
        let nodes = self.nodes_that_watch(room);
        if !nodes.is_empty() {
            let (room, topic) = (room.as_str().to_owned(), topic.to_owned());
            self.send(Out::Frame { nodes, frame: Note::Frame { room, topic, at, data: data.to_owned() } });
        }
    }

    /// Carries messages both ways until told to stop.
    pub(crate) async fn run(&self, hub: &Hub, stop: &CancellationToken) {
        if !self.redis.is_configured() {
            return stop.cancelled().await;
        }
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut waiting = waiting.expect("the bus runs once");
        let mut all = self.redis.subscribe(ALL);
        let mut mine = self.redis.subscribe(&format!("{ALL}:{}", self.node));
        let incoming = async {
            loop {
                let notice = tokio::select! {
                    notice = all.recv() => notice,
                    notice = mine.recv() => notice,
                };
                match notice {
                    Notice::Message { payload, .. } => self.hear(hub, &payload).await,
                    // What was told while nobody listened is found by looking.
                    Notice::Subscribed => {
                        self.woken.notify_one();
                        self.presence.notify_one();
                    }
                    Notice::Lost => {}
                }
            }
        };
        let outgoing = async {
            let mut batch = Vec::new();
            loop {
                waiting.recv_many(&mut batch, QUEUE).await;
                self.publish_all(std::mem::take(&mut batch)).await;
            }
        };
        let asking = async {
            loop {
                drop(tokio::time::timeout(ASK_EVERY, self.asked.notified()).await);
                self.ask().await;
                // A burst of new rooms is one question.
                tokio::time::sleep(ASK_EVERY / 20).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = incoming => {}
            () = outgoing => {}
            () = asking => {}
        }
    }

    async fn publish_all(&self, batch: Vec<Out>) {
        let wakes = batch.iter().any(|out| matches!(out, Out::Wake));
        let presence = batch.iter().any(|out| matches!(out, Out::Presence));
        if wakes {
            self.publish(ALL, &Note::Wake { from: self.node.clone() }).await;
        }
        if presence {
            self.publish(ALL, &Note::Presence { from: self.node.clone() }).await;
        }
        for out in batch {
            if let Out::Frame { nodes, frame } = out {
                for node in nodes {
                    self.publish(&format!("{ALL}:{node}"), &frame).await;
                }
            }
        }
    }

    async fn publish(&self, channel: &str, note: &Note) {
        let payload = serde_json::to_vec(note).expect("plain data with text keys serializes");
        if let Err(error) = self.redis.publish(channel, &payload).await {
            tracing::debug!(%error, "other nodes could not be told; they find events by themselves");
        }
    }

    async fn ask(&self) {
        let rooms: Vec<_> = {
            let now = Instant::now();
            let mut interest = self.interest.lock().unwrap_or_else(PoisonError::into_inner);
            interest.retain(|_, known| now.duration_since(known.wanted_at) < WANTED_LIFE);
            interest.keys().map(|room| room.as_str().to_owned()).collect()
        };
        if !rooms.is_empty() {
            self.publish(ALL, &Note::Ask { from: self.node.clone(), rooms }).await;
        }
    }

    async fn hear(&self, hub: &Hub, payload: &[u8]) {
        let note = match serde_json::from_slice::<Note>(payload) {
            Ok(note) => note,
            Err(error) => return tracing::debug!(%error, "another node said something unknown"),
        };
        match note {
            Note::Wake { from } if from != self.node => self.woken.notify_one(),
            Note::Presence { from } if from != self.node => self.presence.notify_one(),
            Note::Ask { from, rooms } if from != self.node => {
                let here: HashSet<_> = rooms
                    .into_iter()
                    .filter(|name| Room::parse(name).is_some_and(|room| hub.members(&room) > 0))
                    .collect();
                if !here.is_empty() {
                    let note = Note::Here { from: self.node.clone(), rooms: here.into_iter().collect() };
                    self.publish(&format!("{ALL}:{from}"), &note).await;
                }
            }
            Note::Here { from, rooms } => {
                let now = Instant::now();
                let mut interest = self.interest.lock().unwrap_or_else(PoisonError::into_inner);
                for known in rooms.iter().filter_map(|name| Room::parse(name)) {
                    if let Some(known) = interest.get_mut(&known) {
                        known.nodes.insert(from.clone(), now);
                    }
                }
            }
            Note::Frame { room, topic, at, data } => {
                if let Some(room) = Room::parse(&room) {
                    hub.deliver(&Arc::new(Delivery::of_frame(&room, &topic, at, data)));
                }
            }
            Note::Wake { .. } | Note::Presence { .. } | Note::Ask { .. } => {}
        }
    }
}
