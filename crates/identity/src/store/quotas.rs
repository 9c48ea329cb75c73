use db::{FromRow, Result, Row, Tx};
use kernel::{Timestamp, WorkspaceId};

/// What bounds a workspace's use of one resource.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub(crate) workspace: WorkspaceId,
    pub(crate) resource: String,
    pub(crate) max: i64,
    /// When the period began in which `used` was used; 1970 for what stands, which is counted each time.
    pub(crate) period: Timestamp,
    pub(crate) used: i64,
    pub(crate) told_period: Timestamp,
    pub(crate) told_percent: i64,
}

impl FromRow for Bound {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            workspace: row.get("workspace_id")?,
            resource: row.get("resource")?,
            max: row.get("max")?,
            period: row.get("period")?,
            used: row.get("used")?,
            told_period: row.get("told_period")?,
            told_percent: row.get("told_percent")?,
        })
    }
}

/// Of all workspaces: there are as many as somebody has set.
pub(crate) async fn list_all(tx: &mut Tx) -> Result<Vec<Bound>> {
    tx.query("SELECT * FROM identity_quotas").all().await
}

pub(crate) async fn list(tx: &mut Tx, workspace: WorkspaceId) -> Result<Vec<Bound>> {
    tx.query("SELECT * FROM identity_quotas WHERE workspace_id = $1").bind(workspace).all().await
}

/// Makes those who use the resource wait for each other.
pub(crate) async fn lock(tx: &mut Tx, workspace: WorkspaceId, resource: &str) -> Result<Option<Bound>> {
    tx.query("UPDATE identity_quotas SET max = max WHERE workspace_id = $1 AND resource = $2 RETURNING *")
        .bind(workspace)
        .bind(resource)
        .optional()
        .await
}

/// What was used, and what was told of it.
pub(crate) async fn save_use(tx: &mut Tx, bound: &Bound) -> Result<()> {
    tx.query(
        "UPDATE identity_quotas SET period = $3, used = $4, told_period = $5, told_percent = $6
         WHERE workspace_id = $1 AND resource = $2",
    )
    .bind(bound.workspace)
    .bind(&bound.resource)
    .bind(bound.period)
    .bind(bound.used)
    .bind(bound.told_period)
    .bind(bound.told_percent)
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn set(tx: &mut Tx, bound: &Bound, now: Timestamp) -> Result<()> {
    tx.query(
        "INSERT INTO identity_quotas (workspace_id, resource, max, period, used, told_period, told_percent, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (workspace_id, resource)
         DO UPDATE SET max = $3, period = $4, used = $5, told_period = $6, told_percent = $7, updated_at = $8",
    )
    .bind(bound.workspace)
    .bind(&bound.resource)
    .bind(bound.max)
    .bind(bound.period)
    .bind(bound.used)
    .bind(bound.told_period)
    .bind(bound.told_percent)
    .bind(now)
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn unset(tx: &mut Tx, workspace: WorkspaceId, resource: &str) -> Result<()> {
    tx.query("DELETE FROM identity_quotas WHERE workspace_id = $1 AND resource = $2")
        .bind(workspace)
        .bind(resource)
        .execute()
        .await
        .map(drop)
}

/// Tasks that people of the workspace `$1` ordered since `$2`, as far as they are kept.
pub(crate) const JOBS_USED: &str = "SELECT COUNT(*) AS value FROM jobs_tasks
    WHERE workspace_id = $1 AND created_at >= $2 AND actor LIKE 'usr!_%' ESCAPE '!'
      AND kind NOT LIKE 'identity.%' AND kind NOT LIKE 'notifications.%'";

/// By the SQL of a module's declaration.
pub(crate) async fn count_used(
    tx: &mut Tx,
    sql: &'static str,
    workspace: WorkspaceId,
    since: Timestamp,
) -> Result<i64> {
    let query = tx.query(sql).bind(workspace);
    // SQLite counts parameters by their number, PostgreSQL wants as many as there are.
    let query = if sql.contains("$2") { query.bind(since) } else { query };
    query.one().await
}
