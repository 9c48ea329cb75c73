use db::{Error, FromRow, Result, Row, Tx};
use kernel::WorkspaceId;

use crate::model::{AuditEntry, AuditFilter, AuditId, ChainEnd, Hash, NewEntry};

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

impl FromRow for ChainEnd {
    fn from_row(row: &Row) -> Result<Self> {
        let hash: Vec<u8> = row.get("hash")?;
        let unreadable = || Error::Column { column: "hash".to_owned(), source: "not 32 bytes".into() };
        Ok(Self { seq: row.get("seq")?, hash: Hash::from_bytes(&hash).ok_or_else(unreadable)? })
    }
}

/// Appends to the workspace's chain, in the caller's transaction: what happened and its row stand or fall together.
///
/// Lock order: this is the last thing that a transaction does, because the chain's end stays locked until it commits.
pub(crate) async fn append(tx: &mut Tx, new: NewEntry) -> Result<()> {
    let end = lock_end(tx, new.workspace).await?;
    let actor_email = match (new.actor_email, new.actor) {
        (Some(email), _) => Some(email),
        (None, Some(id)) => {
            tx.query("SELECT email AS value FROM identity_users WHERE id = $1").bind(id).optional().await?
        }
        (None, None) => None,
    };
    let entry = AuditEntry {
        id: AuditId::new(new.at),
        workspace: new.workspace,
        seq: end.seq + 1,
        at: new.at,
        actor: new.actor,
        actor_email,
        action: new.action.to_owned(),
        target: new.target,
        address: new.address.map(|address| address.to_string()),
        request_id: new.request_id.to_string(),
        detail: new.detail.to_string(),
    };
    let hash = entry.hash(&end.hash);
    insert(tx, &entry, &end.hash, &hash).await?;
    tx.query("UPDATE identity_audit_heads SET seq = $2, hash = $3 WHERE workspace_id = $1")
        .bind(entry.workspace)
        .bind(entry.seq)
        .bind(hash.bytes().as_slice())
        .execute()
        .await
        .map(drop)
}

async fn lock_end(tx: &mut Tx, workspace: WorkspaceId) -> Result<ChainEnd> {
    // An update that changes nothing is the one way of locking that both engines know.
    let held = tx
        .query("UPDATE identity_audit_heads SET seq = seq WHERE workspace_id = $1 RETURNING seq, hash")
        .bind(workspace)
        .optional()
        .await?;
    match held {
        Some(end) => Ok(end),
        None => {
            let start = ChainEnd::start();
            tx.query(
                "INSERT INTO identity_audit_heads (workspace_id, seq, hash) VALUES ($1, $2, $3)
                 ON CONFLICT (workspace_id) DO UPDATE SET seq = identity_audit_heads.seq RETURNING seq, hash",
            )
            .bind(workspace)
            .bind(start.seq)
            .bind(start.hash.bytes().as_slice())
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

/// Newest first.
pub(crate) async fn list(
    tx: &mut Tx,
    workspace: WorkspaceId,
    filter: &AuditFilter,
    limit: i64,
) -> Result<Vec<AuditEntry>> {
    tx.query(
        "SELECT * FROM identity_audit
         WHERE workspace_id = $1 AND ($2 IS NULL OR action = $2) AND ($3 IS NULL OR actor_id = $3 OR actor_email = $3)
           AND ($4 IS NULL OR seq < $4)
         ORDER BY seq DESC LIMIT $5",
    )
    .bind(workspace)
    .bind(filter.action.clone())
    .bind(filter.actor.clone())
    .bind(filter.before)
    .bind(limit)
    .all()
    .await
}
