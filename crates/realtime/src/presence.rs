//! Who is in which room, over all nodes.
//!
//! SQLite has one node: its own rooms are the answer. On PostgreSQL each node writes how many it has in each of its rooms
//! and says every few seconds that it lives; rows of a node that has been silent for [`LIFE_S`] do not count. All times
//! are the database's, so that nodes with different clocks agree.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use db::{Db, Engine, FromRow, Json, Result, Row, Value};
use kernel::UserId;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::{Events, Room, delivery::Delivery};

/// Who is in a room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Here {
    pub(crate) connections: u64,
    /// At most [`Self::USERS_MAX`] of them.
    pub(crate) users: BTreeSet<UserId>,
}

impl Here {
    pub(crate) const USERS_MAX: usize = 200;

    fn add(&mut self, other: Self) {
        self.connections += other.connections;
        self.users.extend(other.users);
        while self.users.len() > Self::USERS_MAX {
            self.users.pop_last();
        }
    }
}

const BEAT: Duration = Duration::from_secs(5);
/// A node that has not said for this long that it lives does not count.
const LIFE_S: i64 = 15;
/// Comings and goings of this time are told together.
const COALESCE: Duration = Duration::from_millis(250);
/// How often those who watch are told of what no notice came for: a node that died, a Redis that is away.
const LOOK: Duration = Duration::from_secs(2);
/// Rows of one statement.
const CHUNK: usize = 200;

const NOW: &str = "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT";

struct InRoom {
    room: String,
    here: Here,
}

impl FromRow for InRoom {
    fn from_row(row: &Row) -> Result<Self> {
        let Json(users) = row.get::<Json<Vec<String>>>("users")?;
        let users = users.iter().filter_map(|user| user.parse().ok()).collect();
        Ok(Self { room: row.get("room")?, here: Here { connections: row.get("connections")?, users } })
    }
}

/// Who is in these rooms on the other nodes.
async fn elsewhere(db: &Db, node: &str, rooms: &[Room]) -> Result<HashMap<String, Here>> {
    let mut found = HashMap::<String, Here>::new();
    if db.engine() == Engine::Sqlite {
        return Ok(found);
    }
    for chunk in rooms.chunks(CHUNK) {
        let sql = format!(
            "SELECT room, connections, users FROM realtime_presence
             WHERE node_id <> $1 AND room IN ({})
               AND node_id IN (SELECT id FROM realtime_nodes WHERE seen_at > {NOW} - {LIFE_S} * 1000000)",
            places(2, chunk.len(), 1)
        );
        let values = chunk.iter().map(|room| Value::from(room.as_str()));
        let mut tx = db.read().await?;
        let rows: Vec<InRoom> = tx.query_built(sql).bind(node).bind_all(values).all().await?;
        tx.commit().await?;
        for row in rows {
            found.entry(row.room).or_default().add(row.here);
        }
    }
    Ok(found)
}

/// `$2, $3` or `($2, $3), ($4, $5)`.
fn places(first: usize, rows: usize, columns: usize) -> String {
    let row = |index: usize| {
        let names: Vec<_> =
            (0..columns).map(|column| format!("${}", first + index * columns + column)).collect();
        if columns == 1 { names.join(", ") } else { format!("({})", names.join(", ")) }
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// Writes what changed on this node, and that it lives.
async fn store(db: &Db, node: &str, changed: &[(Room, Here)]) -> Result<()> {
    let mut tx = db.begin().await?;
    beat(&mut tx, node).await?;
    let (there, gone): (Vec<_>, Vec<_>) = changed.iter().partition(|(_, here)| here.connections > 0);
    for chunk in there.chunks(CHUNK) {
        let sql = format!(
            "INSERT INTO realtime_presence (node_id, room, connections, users) VALUES {}
             ON CONFLICT (node_id, room) DO UPDATE SET connections = excluded.connections, users = excluded.users",
            places(1, chunk.len(), 4)
        );
        let values = chunk.iter().flat_map(|(room, here)| {
            let users: Vec<_> = here.users.iter().map(ToString::to_string).collect();
            let connections = i64::try_from(here.connections).unwrap_or(i64::MAX);
            [node.into(), room.as_str().into(), connections.into(), Json(users).into()]
        });
        tx.query_built(sql).bind_all(values).execute().await?;
    }
    for chunk in gone.chunks(CHUNK) {
        let sql = format!(
            "DELETE FROM realtime_presence WHERE node_id = $1 AND room IN ({})",
            places(2, chunk.len(), 1)
        );
        let values = chunk.iter().map(|(room, _)| Value::from(room.as_str()));
        tx.query_built(sql).bind(node).bind_all(values).execute().await?;
    }
    tx.commit().await
}

/// Whether this node was known before: one that others have given up must tell its rooms again.
async fn beat(tx: &mut db::Tx, node: &str) -> Result<bool> {
    let known = tx
        .query_built(format!("UPDATE realtime_nodes SET seen_at = {NOW} WHERE id = $1"))
        .bind(node)
        .execute()
        .await?;
    if known == 0 {
        let insert =
            format!("INSERT INTO realtime_nodes (id, seen_at) VALUES ($1, {NOW}) ON CONFLICT DO NOTHING");
        tx.query_built(insert).bind(node).execute().await?;
    }
    Ok(known > 0)
}

/// Takes back what nodes told that have long been silent, and what this one told if it is leaving.
async fn forget(db: &Db, leaving: Option<&str>) -> Result<()> {
    let mut tx = db.begin().await?;
    let silent =
        format!("DELETE FROM realtime_nodes WHERE id = $1 OR seen_at < {NOW} - {LIFE_S} * 4 * 1000000");
    tx.query_built(silent).bind(leaving.unwrap_or_default()).execute().await?;
    tx.query("DELETE FROM realtime_presence WHERE node_id NOT IN (SELECT id FROM realtime_nodes)")
        .execute()
        .await?;
    tx.commit().await
}

impl Events {
    /// Who is in the room, on all nodes; on this one alone when the database cannot be asked.
    pub(crate) async fn who(&self, room: &Room) -> Here {
        let mut here = self.hub().here(room);
        match elsewhere(self.db(), self.bus().node(), std::slice::from_ref(room)).await {
            Ok(mut others) => {
                if let Some(others) = others.remove(room.as_str()) {
                    here.add(others);
                }
            }
            Err(error) => tracing::debug!(%error, "who is on other nodes could not be read"),
        }
        here
    }

    /// Tells other nodes who is here, and those who watch who came and went, until told to stop.
    pub(crate) async fn run_presence(&self, stop: &CancellationToken) {
        let is_shared = self.db().engine() == Engine::Postgres;
        let mut told = HashMap::<Room, Here>::new();
        let mut beats = tokio::time::interval(BEAT);
        let mut looks = tokio::time::interval(LOOK);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = beats.tick(), if is_shared => {
                    if let Err(error) = self.say_that_we_live().await {
                        tracing::debug!(%error, "other nodes could not be told that this one lives");
                    }
                    continue;
                }
                _ = looks.tick(), if is_shared => {}
                () = self.bus().presence.notified() => {}
                () = self.hub().changed() => tokio::time::sleep(COALESCE).await,
            }
            let changed = self.hub().take_changed();
            if is_shared && !changed.is_empty() {
                if let Err(error) = store(self.db(), self.bus().node(), &changed).await {
                    tracing::debug!(%error, "who is here could not be told; trying again");
                    self.hub().mark_changed(changed.into_iter().map(|(room, _)| room));
                }
                self.bus().tell_presence();
            }
            self.tell_watchers(&mut told).await;
        }
        if is_shared {
            drop(
                tokio::time::timeout(Duration::from_secs(1), forget(self.db(), Some(self.bus().node())))
                    .await,
            );
        }
    }

    async fn say_that_we_live(&self) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let was_known = beat(&mut tx, self.bus().node()).await?;
        tx.commit().await?;
        if !was_known {
            self.hub().mark_all_changed();
        }
        forget(self.db(), None).await
    }

    async fn tell_watchers(&self, told: &mut HashMap<Room, Here>) {
        let rooms = self.hub().watched();
        told.retain(|room, _| rooms.contains(room));
        let mut others = match elsewhere(self.db(), self.bus().node(), &rooms).await {
            Ok(others) => others,
            Err(error) => return tracing::debug!(%error, "who is on other nodes could not be read"),
        };
        for room in rooms {
            let mut here = self.hub().here(&room);
            if let Some(others) = others.remove(room.as_str()) {
                here.add(others);
            }
            if told.get(&room) != Some(&here) {
                let delivery = Delivery::of_presence(&room, &here, self.clock().now());
                self.hub().deliver_to_watching(&Arc::new(delivery));
                told.insert(room, here);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn places_are_counted_through() {
        assert_eq!(places(2, 3, 1), "$2, $3, $4");
        assert_eq!(places(1, 2, 2), "($1, $2), ($3, $4)");
    }
}
