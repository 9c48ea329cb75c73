//! What roles grant, and who may give and manage them.

use std::sync::Arc;

use db::Tx;
use kernel::{Ctx, Grants, UserId};

use super::Identity;
use crate::{
    error::Error,
    model::{Member, Membership, Role, role_name},
    store::{self, workspaces::Place},
};

impl Identity {
    /// A user's workspaces with their roles and what these grant there; the oldest membership first.
    pub(super) async fn memberships(&self, tx: &mut Tx, user: UserId) -> Result<Vec<Membership>, Error> {
        let mut memberships: Vec<Membership> = Vec::new();
        for Place { workspace, role } in store::workspaces::list_places(tx, user).await? {
            match memberships.last_mut().filter(|last| last.workspace.id == workspace.id) {
                Some(last) => last.roles.push(role),
                None => {
                    let grants = Arc::new(Grants::none());
                    memberships.push(Membership { workspace, roles: vec![role], grants });
                }
            }
        }
        for membership in &mut memberships {
            let is_first = membership.workspace.is_first;
            membership.grants = Arc::new(self.0.catalogue.grants(is_first, &membership.roles));
        }
        Ok(memberships)
    }

    /// A role that exists in the caller's workspace and that the caller may give.
    pub(super) async fn giveable(&self, tx: &mut Tx, ctx: &Ctx, typed: &str) -> Result<Role, Error> {
        let role = store::roles::find(tx, ctx.workspace, role_name(typed)).await?;
        let no_role =
            || Error::Invalid { pointer: "/role", reason: "is no role of this workspace".to_owned() };
        let role = role.ok_or_else(no_role)?;
        self.require_giveable(tx, ctx, std::slice::from_ref(&role)).await?;
        Ok(role)
    }

    /// Who holds more than the caller is not the caller's to manage.
    pub(super) async fn manageable(&self, tx: &mut Tx, ctx: &Ctx, member: &Member) -> Result<(), Error> {
        let roles = store::roles::list(tx, ctx.workspace).await?;
        let held: Vec<_> = roles.into_iter().filter(|role| member.has_role(&role.name)).collect();
        self.require_giveable(tx, ctx, &held).await
    }

    /// Nobody gives what they do not hold.
    pub(super) async fn require_giveable(&self, tx: &mut Tx, ctx: &Ctx, roles: &[Role]) -> Result<(), Error> {
        let workspace = store::workspaces::find(tx, ctx.workspace).await?;
        let is_first = workspace.ok_or(Error::WorkspaceNotFound(ctx.workspace))?.is_first;
        match roles.iter().find(|role| !self.0.catalogue.may_give(&ctx.grants, is_first, role)) {
            Some(role) => Err(Error::RoleBeyondCaller(role.name.clone())),
            None => Ok(()),
        }
    }
}
