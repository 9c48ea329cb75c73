use db::{Error, FromRow, Result, Row, Tx};
use kernel::{Timestamp, WorkspaceId};

use crate::model::{
    AuditEntry, AuditFilter, AuditId, ChainEnd, ChainKey, ChainedEntry, Ending, Hash, NewEntry,
};

impl FromRow for AuditEntry {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            workspace: row.get("workspace_id")?,
            seq: row.get("seq")?,
            at: row.get("at")?,
            actor: row.get("actor_id")?,
            actor_email: row.get("actor_email")?,
            action: row.get("action")?,
            target: row.get("target")?,
            address: row.get("address")?,
            request_id: row.get("request_id")?,
            detail: row.get("detail")?,
        })
    }
}

impl FromRow for ChainedEntry {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            entry: AuditEntry::from_row(row)?,
            before: hash(row, "prev_hash")?,
            hash: hash(row, "hash")?,
        })
    }
}

/// The least or greatest of numbers that may be none.
struct MaybeSeq(Option<i64>);

impl FromRow for MaybeSeq {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self(row.get("value")?))
    }
}

/// An end of a chain with what proves it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProvenEnd {
    pub(crate) end: ChainEnd,
    /// `None` for the head of a chain without keyed rows.
    pub(crate) mac: Option<Hash>,
}

impl ProvenEnd {
    pub(crate) fn is_proven(&self, key: &ChainKey, what: Ending, workspace: WorkspaceId) -> bool {
        self.mac == Some(key.end(what, workspace, &self.end))
    }
}

impl FromRow for ProvenEnd {
    fn from_row(row: &Row) -> Result<Self> {
        let mac: Option<Vec<u8>> = row.get("mac")?;
        // One of another length proves nothing.
        let mac = mac.map(|mac| Hash::from_bytes(&mac).unwrap_or_else(|| ChainEnd::start().hash));
        Ok(Self { end: ChainEnd { seq: row.get("seq")?, hash: hash(row, "hash")? }, mac })
    }
}

fn hash(row: &Row, column: &str) -> Result<Hash> {
    let bytes: Vec<u8> = row.get(column)?;
    let unreadable = || Error::Column { column: column.to_owned(), source: "not 32 bytes".into() };
    Hash::from_bytes(&bytes).ok_or_else(unreadable)
}

/// Appends to the workspace's chain, in the caller's transaction: what happened and its row stand or fall together.
///
/// An end that the key does not vouch for was changed by somebody else: a number is left out then, so that the log never
/// looks whole again, and work goes on.
///
/// Lock order: this is the last thing that a transaction does, because the chain's end stays locked until it commits.
/// `is_adopted`: no end without proof is left that an earlier release could have made.
pub(crate) async fn append(tx: &mut Tx, key: &ChainKey, is_adopted: bool, new: NewEntry) -> Result<()> {
    let workspace = new.workspace;
    let head = lock_end(tx, key, workspace).await?;
    let genuine = match head.mac {
        Some(_) => head.is_proven(key, Ending::Head, workspace),
        None => !is_adopted && is_plain(tx, workspace, &head.end).await?,
    };
    let actor_email = match (new.actor_email, new.actor) {
        (Some(email), _) => Some(email),
        (None, Some(id)) => {
            tx.query("SELECT email AS value FROM identity_users WHERE id = $1").bind(id).optional().await?
        }
        (None, None) => None,
    };
    let entry = AuditEntry {
        id: AuditId::new(new.at),
        workspace,
        seq: head.end.seq + if genuine { 1 } else { 2 },
        at: new.at,
        actor: new.actor,
        actor_email,
        action: new.action.to_owned(),
        target: new.target,
        address: new.address.map(|address| address.to_string()),
        request_id: new.request_id.to_string(),
        detail: new.detail.to_string(),
    };
    let end = ChainEnd { seq: entry.seq, hash: key.row(&head.end.hash, &entry) };
    insert(tx, &entry, &head.end.hash, &end.hash).await?;
    save_end(tx, key, workspace, &end).await
}

/// The workspaces whose chain has no proof of its end.
pub(crate) async fn list_unproven(tx: &mut Tx) -> Result<Vec<WorkspaceId>> {
    let rows = tx.query("SELECT workspace_id FROM identity_audit_heads WHERE mac IS NULL").rows().await?;
    rows.iter().map(|row| row.get("workspace_id")).collect()
}

/// Proves the end of a chain that an earlier release made.
pub(crate) async fn adopt(tx: &mut Tx, key: &ChainKey, workspace: WorkspaceId) -> Result<()> {
    let head = lock_end(tx, key, workspace).await?;
    if head.mac.is_none() && is_plain(tx, workspace, &head.end).await? {
        save_end(tx, key, workspace, &head.end).await?;
    }
    Ok(())
}

async fn save_end(tx: &mut Tx, key: &ChainKey, workspace: WorkspaceId, end: &ChainEnd) -> Result<()> {
    tx.query("UPDATE identity_audit_heads SET seq = $2, hash = $3, mac = $4 WHERE workspace_id = $1")
        .bind(workspace)
        .bind(end.seq)
        .bind(end.hash.bytes().as_slice())
        .bind(key.end(Ending::Head, workspace, end).bytes().as_slice())
        .execute()
        .await
        .map(drop)
}

/// Does a chain without proof of its end have plain rows only? Its last one tells.
async fn is_plain(tx: &mut Tx, workspace: WorkspaceId, end: &ChainEnd) -> Result<bool> {
    let last: Option<ChainedEntry> = tx
        .query("SELECT * FROM identity_audit WHERE workspace_id = $1 AND seq = $2")
        .bind(workspace)
        .bind(end.seq)
        .optional()
        .await?;
    Ok(last.is_some_and(|last| last.hash == end.hash && last.entry.plain_hash(&last.before) == last.hash))
}

async fn lock_end(tx: &mut Tx, key: &ChainKey, workspace: WorkspaceId) -> Result<ProvenEnd> {
    // An update that changes nothing is the one way of locking that both engines know.
    let held = tx
        .query("UPDATE identity_audit_heads SET seq = seq WHERE workspace_id = $1 RETURNING seq, hash, mac")
        .bind(workspace)
        .optional()
        .await?;
    match held {
        Some(end) => Ok(end),
        None => {
            let start = ChainEnd::start();
            tx.query(
                "INSERT INTO identity_audit_heads (workspace_id, seq, hash, mac) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (workspace_id) DO UPDATE SET seq = identity_audit_heads.seq RETURNING seq, hash, mac",
            )
            .bind(workspace)
            .bind(start.seq)
            .bind(start.hash.bytes().as_slice())
            .bind(key.end(Ending::Head, workspace, &start).bytes().as_slice())
            .one()
            .await
        }
    }
}

async fn insert(tx: &mut Tx, entry: &AuditEntry, before: &Hash, hash: &Hash) -> Result<()> {
    tx.query(
        "INSERT INTO identity_audit (id, workspace_id, seq, at, actor_id, actor_email, action, target, address,
             request_id, detail, prev_hash, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(entry.id)
    .bind(entry.workspace)
    .bind(entry.seq)
    .bind(entry.at)
    .bind(entry.actor)
    .bind(entry.actor_email.clone())
    .bind(&entry.action)
    .bind(entry.target.clone())
    .bind(entry.address.clone())
    .bind(&entry.request_id)
    .bind(&entry.detail)
    .bind(before.bytes().as_slice())
    .bind(hash.bytes().as_slice())
    .execute()
    .await
    .map(drop)
}

/// Which way a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// From the newest, before a number.
    Newest,
    /// From the oldest, after a number.
    Oldest,
}

/// `edge`: the number where the list before ended.
pub(crate) async fn list(
    tx: &mut Tx,
    workspace: WorkspaceId,
    filter: &AuditFilter,
    order: Order,
    edge: Option<i64>,
    limit: i64,
) -> Result<Vec<AuditEntry>> {
    let (after, direction) = match order {
        Order::Newest => ("seq < $2", "DESC"),
        Order::Oldest => ("seq > $2", "ASC"),
    };
    // Two names of parameters for the action: exactly, or how it begins.
    let sql = format!(
        "SELECT * FROM identity_audit
         WHERE workspace_id = $1 AND ($2 IS NULL OR {after})
           AND ($3 IS NULL OR action = $3) AND ($4 IS NULL OR action LIKE $4 ESCAPE '!')
           AND ($5 IS NULL OR actor_id = $5 OR actor_email = $5)
           AND ($6 IS NULL OR target = $6) AND ($7 IS NULL OR address = $7)
           AND ($8 IS NULL OR at >= $8) AND ($9 IS NULL OR at < $9)
           AND ($10 IS NULL OR LOWER(action) LIKE $10 ESCAPE '!' OR LOWER(actor_email) LIKE $10 ESCAPE '!'
                OR LOWER(target) LIKE $10 ESCAPE '!' OR LOWER(detail) LIKE $10 ESCAPE '!')
         ORDER BY seq {direction} LIMIT $11"
    );
    let begins = filter.action.as_deref().and_then(|action| match action.strip_suffix('*') {
        Some(begin) => Some(begin),
        None => action.ends_with('.').then_some(action),
    });
    let exact = if begins.is_some() { None } else { filter.action.clone() };
    tx.query_built(sql)
        .bind(workspace)
        .bind(edge)
        .bind(exact)
        .bind(begins.map(|begin| format!("{}%", escaped(begin))))
        .bind(filter.actor.clone())
        .bind(filter.target.clone())
        .bind(filter.address.clone())
        .bind(filter.from)
        .bind(filter.to)
        .bind(filter.search.as_ref().map(|text| format!("%{}%", escaped(&text.to_lowercase()))))
        .bind(limit)
        .all()
        .await
}

fn escaped(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

pub(crate) async fn head(tx: &mut Tx, workspace: WorkspaceId) -> Result<Option<ProvenEnd>> {
    tx.query("SELECT seq, hash, mac FROM identity_audit_heads WHERE workspace_id = $1")
        .bind(workspace)
        .optional()
        .await
}

pub(crate) async fn anchor(tx: &mut Tx, workspace: WorkspaceId) -> Result<Option<ProvenEnd>> {
    tx.query("SELECT seq, hash, mac FROM identity_audit_anchors WHERE workspace_id = $1")
        .bind(workspace)
        .optional()
        .await
}

/// Some rows of the chain with what chains them, from the oldest.
pub(crate) async fn list_chain(
    tx: &mut Tx,
    workspace: WorkspaceId,
    after: i64,
    limit: i64,
) -> Result<Vec<ChainedEntry>> {
    tx.query("SELECT * FROM identity_audit WHERE workspace_id = $1 AND seq > $2 ORDER BY seq LIMIT $3")
        .bind(workspace)
        .bind(after)
        .bind(limit)
        .all()
        .await
}

/// The number of the lowest row, if there is any: nothing stands before an anchor.
pub(crate) async fn lowest(tx: &mut Tx, workspace: WorkspaceId) -> Result<Option<i64>> {
    let found =
        tx.query("SELECT MIN(seq) AS value FROM identity_audit WHERE workspace_id = $1").bind(workspace);
    Ok(found.one::<MaybeSeq>().await?.0)
}

/// The last of the oldest rows that are all from before a time.
pub(crate) async fn last_before(
    tx: &mut Tx,
    workspace: WorkspaceId,
    before: Timestamp,
) -> Result<Option<i64>> {
    let kept = tx
        .query("SELECT MIN(seq) AS value FROM identity_audit WHERE workspace_id = $1 AND at >= $2")
        .bind(workspace)
        .bind(before);
    if let MaybeSeq(Some(kept)) = kept.one().await? {
        return Ok(Some(kept - 1));
    }
    let all =
        tx.query("SELECT MAX(seq) AS value FROM identity_audit WHERE workspace_id = $1").bind(workspace);
    Ok(all.one::<MaybeSeq>().await?.0)
}

/// Deletes the rows up to `end`, which its anchor proves from now on. How many there were.
pub(crate) async fn prune(
    tx: &mut Tx,
    key: &ChainKey,
    workspace: WorkspaceId,
    end: &ChainEnd,
    now: Timestamp,
) -> Result<u64> {
    tx.query(
        "INSERT INTO identity_audit_anchors (workspace_id, seq, hash, pruned_at, mac) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (workspace_id) DO UPDATE SET seq = $2, hash = $3, pruned_at = $4, mac = $5",
    )
    .bind(workspace)
    .bind(end.seq)
    .bind(end.hash.bytes().as_slice())
    .bind(now)
    .bind(key.end(Ending::Anchor, workspace, end).bytes().as_slice())
    .execute()
    .await?;
    tx.query("DELETE FROM identity_audit WHERE workspace_id = $1 AND seq <= $2")
        .bind(workspace)
        .bind(end.seq)
        .execute()
        .await
}

/// A row behind the chain's end.
pub(crate) async fn beyond(tx: &mut Tx, workspace: WorkspaceId) -> Result<Option<i64>> {
    let found = tx
        .query(
            "SELECT MIN(a.seq) AS value FROM identity_audit a
             JOIN identity_audit_heads h ON h.workspace_id = a.workspace_id AND a.seq > h.seq
             WHERE a.workspace_id = $1",
        )
        .bind(workspace);
    Ok(found.one::<MaybeSeq>().await?.0)
}
