use kernel::{Allow, Ctx, WorkspaceId};
use serde_json::json;

use super::{Identity, first_run::FIRST_WORKSPACE};
use crate::{
    error::Error,
    model::{ADMIN, NewEntry, Slug, Workspace, WorkspaceName},
    permissions::WriteWorkspaces,
    store,
};

/// Numbers tried behind a slug that is taken.
const NUMBERS: u32 = 100;

impl Identity {
    /// A new workspace, with the caller as its administrator.
    pub(crate) async fn create_workspace(
        &self,
        allow: &Allow<WriteWorkspaces>,
        name: &str,
    ) -> Result<Workspace, Error> {
        let user = allow.actor.user().ok_or(Error::NotAUser)?;
        let name = WorkspaceName::parse(name).ok_or_else(|| Error::Invalid {
            pointer: "/name",
            reason: "must be one line of 1 to 100 characters".to_owned(),
        })?;
        let slug = Slug::from_name(&name);
        let mut workspace = Workspace {
            id: WorkspaceId::new(allow.now),
            name: name.as_str().to_owned(),
            slug: slug.as_str().to_owned(),
            created_at: allow.now,
        };
        let mut tx = self.0.db.begin().await?;
        let mut number = 1;
        while !store::workspaces::insert(&mut tx, &workspace).await? {
            number += 1;
            if number > NUMBERS {
                return Err(Error::SlugTaken);
            }
            workspace.slug = slug.numbered(number).as_str().to_owned();
        }
        store::workspaces::insert_membership(&mut tx, workspace.id, user, ADMIN, allow.now).await?;
        let ctx: &Ctx = allow;
        let entry = NewEntry { workspace: workspace.id, ..NewEntry::by(ctx, "identity.workspace-created") };
        let entry =
            entry.target(workspace.id).detail(json!({ "name": workspace.name, "slug": workspace.slug }));
        store::audit::append(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(workspace)
    }

    /// The workspace of a command: by slug, or the first one, which is made if there is none.
    pub(crate) async fn workspace_of_command(&self, slug: Option<&str>) -> Result<Option<Workspace>, Error> {
        let mut tx = self.0.db.begin().await?;
        let found = match slug {
            Some(slug) => store::workspaces::find_by_slug(&mut tx, slug).await?,
            None => store::workspaces::find_first(&mut tx).await?,
        };
        if found.is_some() || slug.is_some() {
            return Ok(found);
        }
        let now = self.clock().now();
        let (name, slug) = FIRST_WORKSPACE;
        let workspace = Workspace {
            id: WorkspaceId::new(now),
            name: name.to_owned(),
            slug: slug.to_owned(),
            created_at: now,
        };
        store::workspaces::insert(&mut tx, &workspace).await?;
        tx.commit().await?;
        Ok(Some(workspace))
    }
}
