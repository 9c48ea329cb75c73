use db::Tx;
use kernel::{Allow, Ctx, Id};
use serde_json::json;

use super::{Identity, users::lock};
use crate::{
    error::Error,
    model::{NewEntry, Role, Workspace, is_role_name},
    permissions::{ReadUsers, WriteRoles},
    store,
};

/// A role that a workspace makes for itself.
pub(crate) struct NewRole {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) permissions: Vec<String>,
}

/// `None` leaves it.
#[derive(Default)]
pub(crate) struct RoleChange {
    pub(crate) description: Option<String>,
    pub(crate) permissions: Option<Vec<String>>,
}

/// A role with what it grants here, by name.
pub(crate) struct Granting {
    pub(crate) role: Role,
    pub(crate) permissions: Vec<String>,
}

/// Roles that one workspace makes at most.
const OWN_MAX: u64 = 100;
const DESCRIPTION_CHARS_MAX: usize = 200;

impl Identity {
    /// The built-in roles and the workspace's own.
    pub(crate) async fn list_roles(&self, allow: &Allow<ReadUsers>) -> Result<Vec<Granting>, Error> {
        let mut tx = self.0.db.read().await?;
        let workspace = here(&mut tx, allow).await?;
        let roles = store::roles::list(&mut tx, allow.workspace).await?;
        Ok(roles.into_iter().map(|role| self.granting(&workspace, role)).collect())
    }

    pub(crate) async fn get_role(&self, allow: &Allow<ReadUsers>, name: &str) -> Result<Granting, Error> {
        let mut tx = self.0.db.read().await?;
        let workspace = here(&mut tx, allow).await?;
        let role = find(&mut tx, allow, name).await?;
        Ok(self.granting(&workspace, role))
    }

    fn granting(&self, workspace: &Workspace, role: Role) -> Granting {
        Granting { permissions: self.0.catalogue.granted(workspace.is_first, &role), role }
    }

    pub(crate) async fn create_role(
        &self,
        allow: &Allow<WriteRoles>,
        new: NewRole,
    ) -> Result<Granting, Error> {
        if !is_role_name(&new.name) {
            let reason = "must be 1 to 50 of a-z, 0-9 and single hyphens, begin with a letter, and be no other role's name";
            return Err(Error::Invalid { pointer: "/name", reason: reason.to_owned() });
        }
        let description = description(&new.description)?;
        let permissions = self.known(new.permissions)?;
        let role = Role::new(new.name, description, false, permissions);
        let mut tx = self.0.db.begin().await?;
        let workspace = lock(&mut tx, allow).await?;
        require_held(allow, &role, &[])?;
        if store::roles::find(&mut tx, allow.workspace, &role.name).await?.is_some() {
            return Err(Error::RoleTaken(role.name));
        }
        if store::roles::count_own(&mut tx, allow.workspace).await? >= OWN_MAX {
            return Err(Error::TooManyRoles(OWN_MAX));
        }
        store::roles::insert(&mut tx, allow.workspace, Id::new(allow.now), &role).await?;
        let entry = NewEntry::by(allow, "identity.role-created").target(&role.name).detail(shown(&role));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(self.granting(&workspace, role))
    }

    /// Who has the role has what it grants from their next request on.
    pub(crate) async fn update_role(
        &self,
        allow: &Allow<WriteRoles>,
        name: &str,
        change: RoleChange,
    ) -> Result<Granting, Error> {
        let changed = change.description.as_deref().map(description).transpose()?;
        let permissions = change.permissions.map(|names| self.known(names)).transpose()?;
        let mut tx = self.0.db.begin().await?;
        let workspace = lock(&mut tx, allow).await?;
        let before = self.own(&mut tx, allow, name).await?;
        let after = Role::new(
            before.name.clone(),
            changed.unwrap_or_else(|| before.description.clone()),
            false,
            permissions.unwrap_or_else(|| before.named().to_vec()),
        );
        require_held(allow, &after, before.named())?;
        store::roles::save(&mut tx, allow.workspace, &after).await?;
        let detail = json!({ "before": shown(&before), "after": shown(&after) });
        let entry = NewEntry::by(allow, "identity.role-updated").target(&after.name).detail(detail);
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(self.granting(&workspace, after))
    }

    /// Not while somebody has it, or is invited to it.
    pub(crate) async fn delete_role(&self, allow: &Allow<WriteRoles>, name: &str) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        lock(&mut tx, allow).await?;
        let role = self.own(&mut tx, allow, name).await?;
        let holders = store::roles::count_holders(&mut tx, allow.workspace, &role.name).await?;
        if holders > 0 {
            return Err(Error::RoleHeld { role: role.name, holders });
        }
        store::roles::delete(&mut tx, allow.workspace, &role.name).await?;
        let entry = NewEntry::by(allow, "identity.role-deleted")
            .target(&role.name)
            .detail(json!({ "before": shown(&role) }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A role that the workspace made, and that does not hold more than the caller.
    async fn own(&self, tx: &mut Tx, ctx: &Ctx, name: &str) -> Result<Role, Error> {
        let role = find(tx, ctx, name).await?;
        if role.is_built_in {
            return Err(Error::RoleBuiltIn(role.name));
        }
        self.require_giveable(tx, ctx, std::slice::from_ref(&role)).await?;
        Ok(role)
    }

    /// Each is a permission that exists; once each, sorted. Everything at once (`*`) is for the built-in role alone.
    fn known(&self, mut names: Vec<String>) -> Result<Vec<String>, Error> {
        if let Some(unknown) = names.iter().find(|name| !self.0.catalogue.knows(name)) {
            let shown: String = unknown.chars().take(80).collect();
            return Err(Error::Invalid {
                pointer: "/permissions",
                reason: format!("{shown:?} is no permission"),
            });
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }
}

/// Each name that is new must be the caller's own.
fn require_held(ctx: &Ctx, role: &Role, before: &[String]) -> Result<(), Error> {
    let beyond = role.named().iter().any(|name| !before.contains(name) && !ctx.grants.has(name));
    if beyond { Err(Error::RoleBeyondCaller(role.name.clone())) } else { Ok(()) }
}

async fn here(tx: &mut Tx, ctx: &Ctx) -> Result<Workspace, Error> {
    store::workspaces::find(tx, ctx.workspace).await?.ok_or(Error::WorkspaceNotFound(ctx.workspace))
}

async fn find(tx: &mut Tx, ctx: &Ctx, name: &str) -> Result<Role, Error> {
    let name = crate::model::role_name(name);
    let found = store::roles::find(tx, ctx.workspace, name).await?;
    found.ok_or_else(|| Error::RoleNotFound(name.chars().take(80).collect()))
}

fn description(text: &str) -> Result<String, Error> {
    let text = text.trim();
    let fine = text.chars().count() <= DESCRIPTION_CHARS_MAX && !text.chars().any(char::is_control);
    let reason = || format!("must be one line of at most {DESCRIPTION_CHARS_MAX} characters");
    if fine { Ok(text.to_owned()) } else { Err(Error::Invalid { pointer: "/description", reason: reason() }) }
}

fn shown(role: &Role) -> serde_json::Value {
    json!({ "description": role.description, "permissions": role.named() })
}
