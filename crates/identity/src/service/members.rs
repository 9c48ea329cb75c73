use db::Tx;
use kernel::{Allow, Ctx, UserId, WorkspaceId};
use serde_json::json;

use super::{
    Identity, SignedIn,
    users::{lock, member, refuse_last_admin},
};
use crate::{
    error::Error,
    model::{ADMIN, Member, NewEntry, UserKind, role_name},
    permissions::WriteUsers,
    store,
};

impl Identity {
    /// One role more. Who has it already keeps it.
    pub(crate) async fn give_role(
        &self,
        allow: &Allow<WriteUsers>,
        id: UserId,
        role: &str,
    ) -> Result<Member, Error> {
        let mut tx = self.0.db.begin().await?;
        lock(&mut tx, allow).await?;
        let before = member(&mut tx, allow, id).await?;
        self.manageable(&mut tx, allow, &before).await?;
        let role = self.giveable(&mut tx, allow, role).await?.name;
        if before.has_role(&role) {
            return Ok(before);
        }
        let mut after = before.clone();
        after.roles.push(role);
        after.roles.sort_unstable();
        self.save_roles(tx, allow, "identity.role-given", &before, after).await
    }

    /// One role less; never the last one, and never the last administrator's.
    pub(crate) async fn take_role(
        &self,
        allow: &Allow<WriteUsers>,
        id: UserId,
        role: &str,
    ) -> Result<Member, Error> {
        let mut tx = self.0.db.begin().await?;
        lock(&mut tx, allow).await?;
        let before = member(&mut tx, allow, id).await?;
        let role = role_name(role);
        if !before.has_role(role) {
            return Err(Error::RoleNotFound(role.chars().take(80).collect()));
        }
        self.manageable(&mut tx, allow, &before).await?;
        let mut after = before.clone();
        after.roles.retain(|held| held != role);
        if after.roles.is_empty() {
            return Err(Error::LastRole);
        }
        if role == ADMIN && before.user.is_active {
            refuse_last_admin(&mut tx, allow.workspace).await?;
        }
        self.save_roles(tx, allow, "identity.role-taken", &before, after).await
    }

    async fn save_roles(
        &self,
        mut tx: Tx,
        ctx: &Ctx,
        action: &'static str,
        before: &Member,
        after: Member,
    ) -> Result<Member, Error> {
        store::workspaces::save_membership(&mut tx, ctx.workspace, after.user.id, &after.roles).await?;
        let detail = json!({ "before": { "roles": before.roles }, "after": { "roles": after.roles } });
        let entry = NewEntry::by(ctx, action).target(after.user.id).detail(detail);
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(after)
    }

    /// Takes somebody out of the caller's workspace, at once. The account stays: one that is at home here has nobody to
    /// manage it then but its owner, until it is let in again.
    pub(crate) async fn remove_member(&self, allow: &Allow<WriteUsers>, id: UserId) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        lock(&mut tx, allow).await?;
        let gone = member(&mut tx, allow, id).await?;
        if gone.user.kind == UserKind::Service {
            return Err(Error::NotAPerson(id));
        }
        self.manageable(&mut tx, allow, &gone).await?;
        self.take_out(tx, allow, "identity.member-removed", gone).await
    }

    /// Leaves one of one's workspaces.
    pub(crate) async fn leave_workspace(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
        workspace: WorkspaceId,
    ) -> Result<(), Error> {
        signed_in.membership(workspace).ok_or(Error::WorkspaceNotFound(workspace))?;
        let there = Ctx { workspace, ..ctx.clone() };
        let mut tx = self.0.db.begin().await?;
        lock(&mut tx, &there).await?;
        let gone = store::users::find_member(&mut tx, workspace, signed_in.user.id).await?;
        let gone = gone.ok_or(Error::WorkspaceNotFound(workspace))?;
        self.take_out(tx, &there, "identity.workspace-left", gone).await
    }

    async fn take_out(&self, mut tx: Tx, ctx: &Ctx, action: &'static str, gone: Member) -> Result<(), Error> {
        if gone.has_role(ADMIN) && gone.user.is_active {
            refuse_last_admin(&mut tx, ctx.workspace).await?;
        }
        store::workspaces::delete_membership(&mut tx, ctx.workspace, gone.user.id).await?;
        let detail = json!({ "email": gone.user.email, "before": { "roles": gone.roles } });
        let entry = NewEntry::by(ctx, action).target(gone.user.id).detail(detail);
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }
}
