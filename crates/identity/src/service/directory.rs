//! What other modules may ask, through the platform.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use db::{Result, Tx};
use kernel::{Ctx, Grants, UserId, WorkspaceId};
use platform::{Audit, Member, People, Person};

use super::Identity;
use crate::{
    model::{self, NewEntry, Role, User},
    store,
};

fn person(user: User) -> Person {
    let full = format!("{} {}", user.first_name, user.last_name);
    let name = match full.trim() {
        "" => user.email.clone(),
        full => full.to_owned(),
    };
    Person { id: user.id, email: user.email, name, locale: user.locale, is_active: user.is_active }
}

fn member(member: model::Member, grants: Arc<Grants>) -> Member {
    Member { person: person(member.user), roles: member.roles, grants }
}

/// What members of one workspace hold, by their roles: most have the same.
struct Held<'i> {
    identity: &'i Identity,
    is_first: bool,
    roles: Vec<Role>,
    grants: HashMap<Vec<String>, Arc<Grants>>,
}

impl Held<'_> {
    fn grants(&mut self, names: &[String]) -> Arc<Grants> {
        if let Some(known) = self.grants.get(names) {
            return known.clone();
        }
        let roles: Vec<_> = self.roles.iter().filter(|role| names.contains(&role.name)).cloned().collect();
        let grants = Arc::new(self.identity.0.catalogue.grants(self.is_first, &roles));
        self.grants.insert(names.to_vec(), grants.clone());
        grants
    }
}

impl Identity {
    /// `None` for a workspace that is not there, or was put aside: it has no members then.
    async fn held(&self, tx: &mut Tx, workspace: WorkspaceId) -> Result<Option<Held<'_>>> {
        let found = store::workspaces::find(tx, workspace).await?;
        let Some(found) = found.filter(|found| found.deleted_at.is_none()) else { return Ok(None) };
        let roles = store::roles::list(tx, workspace).await?;
        Ok(Some(Held { identity: self, is_first: found.is_first, roles, grants: HashMap::new() }))
    }
}

#[async_trait]
impl People for Identity {
    async fn person(&self, tx: &mut Tx, id: UserId) -> Result<Option<Person>> {
        let account = store::users::find_account_by_id(tx, id).await?;
        Ok(account.filter(|account| account.user.deleted_at.is_none()).map(|account| person(account.user)))
    }

    async fn member(&self, tx: &mut Tx, workspace: WorkspaceId, id: UserId) -> Result<Option<Member>> {
        let Some(found) = store::users::find_member(tx, workspace, id).await? else { return Ok(None) };
        let Some(mut held) = self.held(tx, workspace).await? else { return Ok(None) };
        let grants = held.grants(&found.roles);
        Ok(Some(member(found, grants)))
    }

    async fn members(&self, tx: &mut Tx, workspace: WorkspaceId) -> Result<Vec<Member>> {
        let Some(mut held) = self.held(tx, workspace).await? else { return Ok(Vec::new()) };
        let found = store::users::list_all(tx, workspace).await?;
        let with_grants = |found: model::Member| {
            let grants = held.grants(&found.roles);
            member(found, grants)
        };
        Ok(found.into_iter().map(with_grants).collect())
    }

    async fn find_workspace(&self, tx: &mut Tx, name: Option<&str>) -> Result<Option<WorkspaceId>> {
        let found = match name {
            None => store::workspaces::find_first(tx).await?,
            Some(name) => match name.parse() {
                Ok(id) => store::workspaces::find(tx, id).await?,
                Err(_) => store::workspaces::find_by_slug(tx, name).await?,
            },
        };
        Ok(found.filter(|workspace| workspace.deleted_at.is_none()).map(|workspace| workspace.id))
    }

    async fn first_workspace(&self, tx: &mut Tx, maker: &'static str) -> Result<Option<WorkspaceId>> {
        let first = Identity::first_workspace(self, tx, maker).await?;
        Ok(first.map(|workspace| workspace.id))
    }

    async fn closed_workspaces(&self, tx: &mut Tx) -> Result<Vec<WorkspaceId>> {
        store::workspaces::list_deleted_ids(tx).await
    }

    async fn record(&self, tx: &mut Tx, ctx: &Ctx, audit: Audit) -> Result<()> {
        let entry = NewEntry::by(ctx, audit.action).detail(audit.detail);
        let entry = match audit.target {
            Some(target) => entry.target(target),
            None => entry,
        };
        self.write_down(tx, entry).await
    }
}
