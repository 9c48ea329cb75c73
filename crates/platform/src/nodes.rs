//! The processes of one installation, as they tell of themselves.

use std::time::Duration;

use db::{Db, FromRow, Row, Tx};
use kernel::{Timestamp, id_kind};

use crate::{Platform, Role};

id_kind! {
    /// One process that serves, from its start to its end.
    pub NodeKind = "node" => NodeId
}

/// How often a process says that it lives.
const BEAT: Duration = Duration::from_secs(10);
/// One that was silent for this long is not told of any more.
const SILENT_MAX: Duration = Duration::from_secs(60);

/// A process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub id: NodeId,
    pub roles: Vec<String>,
    pub version: String,
    pub started_at: Timestamp,
    pub seen_at: Timestamp,
}

impl FromRow for Node {
    fn from_row(row: &Row) -> db::Result<Self> {
        let roles: String = row.get("roles")?;
        Ok(Self {
            id: row.get("id")?,
            roles: roles.split(',').filter(|role| !role.is_empty()).map(str::to_owned).collect(),
            version: row.get("version")?,
            started_at: row.get("started_at")?,
            seen_at: row.get("seen_at")?,
        })
    }
}

/// Those that were heard of within the last minute, oldest first.
pub async fn list(tx: &mut Tx, now: Timestamp) -> db::Result<Vec<Node>> {
    tx.query(
        "SELECT id, roles, version, started_at, seen_at FROM platform_nodes WHERE seen_at > $1 ORDER BY id",
    )
    .bind(now - SILENT_MAX)
    .all()
    .await
}

/// Tells of this process until the server stops.
pub async fn run(platform: Platform, version: &'static str, roles: Vec<Role>) {
    let stop = platform.spawner.token();
    let started_at = platform.clock.now();
    let id = NodeId::new(started_at);
    let roles = roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(",");
    let mut tick = tokio::time::interval(BEAT);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.cancelled() => break,
        }
        let node = Node {
            id,
            roles: vec![roles.clone()],
            version: version.to_owned(),
            started_at,
            seen_at: platform.clock.now(),
        };
        if let Err(error) = beat(&platform.db, &node).await {
            tracing::debug!(%error, "this node could not say that it lives");
        }
    }
    if let Err(error) = leave(&platform.db, id).await {
        tracing::debug!(%error, "this node could not say that it ends");
    }
}

async fn beat(db: &Db, node: &Node) -> db::Result<()> {
    let mut tx = db.begin().await?;
    tx.query(
        "INSERT INTO platform_nodes (id, roles, version, started_at, seen_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE SET seen_at = $5",
    )
    .bind(node.id)
    .bind(node.roles.join(","))
    .bind(node.version.clone())
    .bind(node.started_at)
    .bind(node.seen_at)
    .execute()
    .await?;
    // Those that were killed; a day later nobody asks for them.
    tx.query("DELETE FROM platform_nodes WHERE seen_at < $1")
        .bind(node.seen_at - Duration::from_secs(24 * 3600))
        .execute()
        .await?;
    tx.commit().await
}

async fn leave(db: &Db, id: NodeId) -> db::Result<()> {
    let mut tx = db.begin().await?;
    tx.query("DELETE FROM platform_nodes WHERE id = $1").bind(id).execute().await?;
    tx.commit().await
}
