//! The one look into identity's tables, for the command line, where no signed-in caller brings a workspace.

use db::Tx;
use kernel::WorkspaceId;

/// By slug, or the first one.
pub(crate) async fn find(tx: &mut Tx, slug: Option<&str>) -> db::Result<Option<WorkspaceId>> {
    match slug {
        Some(slug) => {
            tx.query("SELECT id AS value FROM identity_workspaces WHERE slug = $1")
                .bind(slug)
                .optional()
                .await
        }
        None => {
            tx.query("SELECT id AS value FROM identity_workspaces ORDER BY created_at, id LIMIT 1")
                .optional()
                .await
        }
    }
}
