use db::Tx;
use kernel::{Allow, Ctx, WorkspaceId};
use serde_json::json;

use super::{Identity, first_run::FIRST_WORKSPACE};
use crate::{
    error::Error,
    model::{ADMIN, NewEntry, Slug, Workspace, WorkspaceName},
    permissions::{WriteWorkspace, WriteWorkspaces},
    store::{self, workspaces::Counted},
};

/// Numbers tried behind a slug that is taken.
const NUMBERS: u32 = 100;

/// `None` leaves it.
#[derive(Default)]
pub(crate) struct WorkspaceChange {
    pub(crate) name: Option<String>,
    pub(crate) slug: Option<String>,
}

impl Identity {
    /// A new workspace, with the caller as its administrator.
    pub(crate) async fn create_workspace(
        &self,
        allow: &Allow<WriteWorkspaces>,
        name: &str,
    ) -> Result<Workspace, Error> {
        let user = allow.actor.user().ok_or(Error::NotAUser)?;
        let mut tx = self.0.db.begin().await?;
        let workspace = found(&mut tx, allow, name).await?;
        store::workspaces::insert_membership(&mut tx, workspace.id, user, ADMIN, allow.now).await?;
        self.write_down(&mut tx, created(allow, &workspace)).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(workspace)
    }

    /// The same on the command line: nobody is in it yet.
    pub(crate) async fn create_empty_workspace(
        &self,
        allow: &Allow<WriteWorkspaces>,
        name: &str,
    ) -> Result<Workspace, Error> {
        let mut tx = self.0.db.begin().await?;
        let workspace = found(&mut tx, allow, name).await?;
        self.write_down(&mut tx, created(allow, &workspace)).await?;
        tx.commit().await?;
        Ok(workspace)
    }

    /// One's own for its members, any for who looks after the installation.
    pub(crate) async fn get_workspace(&self, ctx: &Ctx, id: WorkspaceId) -> Result<Workspace, Error> {
        let mut tx = self.0.db.read().await?;
        let found = store::workspaces::find(&mut tx, id).await?.ok_or(Error::WorkspaceNotFound(id))?;
        if id == ctx.workspace || ctx.allow::<WriteWorkspaces>().is_ok() {
            return Ok(found);
        }
        let user = ctx.actor.user().ok_or(Error::NotAUser)?;
        let member = store::users::find_member(&mut tx, id, user).await?;
        member.filter(|_| found.deleted_at.is_none()).map(|_| found).ok_or(Error::WorkspaceNotFound(id))
    }

    /// All of the installation, or those that were deleted; the oldest first.
    pub(crate) async fn list_all_workspaces(
        &self,
        _: &Allow<WriteWorkspaces>,
        deleted: bool,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<Counted>, u64), Error> {
        let mut tx = self.0.db.read().await?;
        let total = store::workspaces::count_all(&mut tx, deleted).await?;
        Ok((store::workspaces::list_all(&mut tx, deleted, limit, offset).await?, total))
    }

    /// The caller's own workspace, or any other for who looks after the installation.
    pub(crate) fn may_change_workspace(&self, ctx: &Ctx, id: WorkspaceId) -> Result<(), Error> {
        if ctx.allow::<WriteWorkspaces>().is_ok() {
            return Ok(());
        }
        ctx.allow::<WriteWorkspace>()?;
        // A credential for one workspace changes no other, whoever holds it.
        if id == ctx.workspace { Ok(()) } else { Err(Error::WorkspaceNotFound(id)) }
    }

    pub(crate) async fn update_workspace(
        &self,
        ctx: &Ctx,
        id: WorkspaceId,
        change: WorkspaceChange,
    ) -> Result<Workspace, Error> {
        self.may_change_workspace(ctx, id)?;
        let mut tx = self.0.db.begin().await?;
        let before = store::workspaces::lock(&mut tx, id).await?.ok_or(Error::WorkspaceNotFound(id))?;
        let mut after = before.clone();
        if let Some(text) = &change.name {
            after.name = name(text)?.as_str().to_owned();
        }
        if let Some(text) = &change.slug {
            let reason = || "must be 1 to 50 of a-z, 0-9 and single hyphens".to_owned();
            let slug =
                Slug::parse(text).ok_or_else(|| Error::Invalid { pointer: "/slug", reason: reason() })?;
            after.slug = slug.as_str().to_owned();
        }
        after.updated_at = ctx.now;
        if !store::workspaces::save(&mut tx, &after).await? {
            return Err(Error::SlugTaken);
        }
        let detail = json!({ "before": shown(&before), "after": shown(&after) });
        self.write_down(&mut tx, of(ctx, &after, "identity.workspace-updated").detail(detail)).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(after)
    }

    /// Puts it aside: its members are in their next workspace with their next request, and nothing of it answers. `slug`
    /// is what the caller typed to show that it is this one.
    pub(crate) async fn delete_workspace(
        &self,
        ctx: &Ctx,
        id: WorkspaceId,
        slug: &str,
    ) -> Result<Workspace, Error> {
        self.may_change_workspace(ctx, id)?;
        let mut tx = self.0.db.begin().await?;
        let mut workspace =
            store::workspaces::lock(&mut tx, id).await?.ok_or(Error::WorkspaceNotFound(id))?;
        if workspace.is_first {
            return Err(Error::FirstWorkspace);
        }
        if workspace.slug != slug {
            let reason = format!("must be the workspace's name in addresses, {:?}", workspace.slug);
            return Err(Error::Invalid { pointer: "/confirm", reason });
        }
        workspace.deleted_at = Some(ctx.now);
        workspace.updated_at = ctx.now;
        store::workspaces::save(&mut tx, &workspace).await?;
        let entry = of(ctx, &workspace, "identity.workspace-deleted").detail(shown(&workspace));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(workspace)
    }

    /// Brings it back with all that was in it.
    pub(crate) async fn restore_workspace(
        &self,
        allow: &Allow<WriteWorkspaces>,
        id: WorkspaceId,
    ) -> Result<Workspace, Error> {
        let mut tx = self.0.db.begin().await?;
        let found = store::workspaces::find(&mut tx, id).await?;
        let mut workspace = found.ok_or(Error::WorkspaceNotFound(id))?;
        if workspace.deleted_at.is_none() {
            return Err(Error::NotDeleted);
        }
        workspace.deleted_at = None;
        workspace.updated_at = allow.now;
        store::workspaces::save(&mut tx, &workspace).await?;
        let entry = of(allow, &workspace, "identity.workspace-restored").detail(shown(&workspace));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(workspace)
    }

    /// As below, those that were deleted too.
    pub(crate) async fn any_workspace_of_command(
        &self,
        slug: Option<&str>,
    ) -> Result<Option<Workspace>, Error> {
        match slug {
            None => self.workspace_of_command(None).await,
            Some(slug) => {
                let mut tx = self.0.db.read().await?;
                Ok(store::workspaces::find_by_slug(&mut tx, slug).await?)
            }
        }
    }

    /// All that there are, deleted ones too, for the command line.
    pub(crate) async fn every_workspace(&self) -> Result<Vec<Workspace>, Error> {
        let mut tx = self.0.db.read().await?;
        let mut all = store::workspaces::list_all(&mut tx, false, i64::MAX, 0).await?;
        all.extend(store::workspaces::list_all(&mut tx, true, i64::MAX, 0).await?);
        Ok(all.into_iter().map(|counted| counted.workspace).collect())
    }

    /// The workspace of a command: by slug, or the first one, which is made if there is none.
    pub(crate) async fn workspace_of_command(&self, slug: Option<&str>) -> Result<Option<Workspace>, Error> {
        let mut tx = self.0.db.begin().await?;
        let found = match slug {
            Some(slug) => store::workspaces::find_by_slug(&mut tx, slug)
                .await?
                .filter(|workspace| workspace.deleted_at.is_none()),
            None => self.first_workspace(&mut tx, "command line").await?,
        };
        tx.commit().await?;
        Ok(found)
    }

    /// The first workspace, made by what is named if there was never one. `None`: it was deleted.
    pub(super) async fn first_workspace(
        &self,
        tx: &mut Tx,
        maker: &'static str,
    ) -> db::Result<Option<Workspace>> {
        if let Some(first) = store::workspaces::find_first(tx).await? {
            return Ok(Some(first).filter(|workspace| workspace.deleted_at.is_none()));
        }
        let now = self.clock().now();
        let (name, slug) = FIRST_WORKSPACE;
        let workspace = Workspace::new(WorkspaceId::new(now), name, slug, now);
        if !store::workspaces::insert(tx, &workspace).await? {
            // Somebody made it at the same moment.
            return store::workspaces::find_first(tx).await;
        }
        self.write_down(tx, created(&Ctx::system(maker, workspace.id, now), &workspace)).await?;
        Ok(Some(workspace))
    }
}

/// A row of its own, under a name in addresses that is free.
async fn found(tx: &mut Tx, ctx: &Ctx, typed: &str) -> Result<Workspace, Error> {
    let name = name(typed)?;
    let slug = Slug::from_name(&name);
    let mut workspace = Workspace::new(WorkspaceId::new(ctx.now), name.as_str(), slug.as_str(), ctx.now);
    let mut number = 1;
    while !store::workspaces::insert(tx, &workspace).await? {
        number += 1;
        if number > NUMBERS {
            return Err(Error::SlugTaken);
        }
        workspace.slug = slug.numbered(number).as_str().to_owned();
    }
    Ok(workspace)
}

fn name(text: &str) -> Result<WorkspaceName, Error> {
    let reason = || "must be one line of 1 to 100 characters".to_owned();
    WorkspaceName::parse(text).ok_or_else(|| Error::Invalid { pointer: "/name", reason: reason() })
}

/// An entry of the workspace's own log, wherever the caller is.
fn of(ctx: &Ctx, workspace: &Workspace, action: &'static str) -> NewEntry {
    NewEntry { workspace: workspace.id, ..NewEntry::by(ctx, action) }.target(workspace.id)
}

fn created(ctx: &Ctx, workspace: &Workspace) -> NewEntry {
    of(ctx, workspace, "identity.workspace-created").detail(shown(workspace))
}

fn shown(workspace: &Workspace) -> serde_json::Value {
    json!({ "name": workspace.name, "slug": workspace.slug })
}
