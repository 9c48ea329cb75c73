//! What other modules may ask, through the platform.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use db::{Result, Tx};
use kernel::{Ctx, Grants, UserId, WorkspaceId};
use platform::{Audit, Member, People, Person};

use super::Identity;
use crate::{
    model::{self, NewEntry, User},
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

fn member(member: model::Member, roles: &HashMap<String, Arc<Grants>>) -> Member {
    let grants = roles.get(&member.role).cloned().unwrap_or_else(|| Arc::new(Grants::none()));
    Member { person: person(member.user), role: member.role, grants }
}

/// What each role of the workspace grants.
async fn roles(tx: &mut Tx, workspace: WorkspaceId) -> Result<HashMap<String, Arc<Grants>>> {
    let roles = store::workspaces::list_roles(tx, workspace).await?;
    Ok(roles.into_iter().map(|role| (role.name.clone(), Arc::new(role.grants()))).collect())
}

#[async_trait]
impl People for Identity {
    async fn person(&self, tx: &mut Tx, id: UserId) -> Result<Option<Person>> {
        let account = store::users::find_account_by_id(tx, id).await?;
        Ok(account.filter(|account| !account.deleted).map(|account| person(account.user)))
    }

    async fn member(&self, tx: &mut Tx, workspace: WorkspaceId, id: UserId) -> Result<Option<Member>> {
        let Some(found) = store::users::find_member(tx, workspace, id).await? else { return Ok(None) };
        Ok(Some(member(found, &roles(tx, workspace).await?)))
    }

    async fn members(&self, tx: &mut Tx, workspace: WorkspaceId) -> Result<Vec<Member>> {
        let roles = roles(tx, workspace).await?;
        let found = store::users::list_all(tx, workspace).await?;
        Ok(found.into_iter().map(|found| member(found, &roles)).collect())
    }

    async fn find_workspace(&self, tx: &mut Tx, name: Option<&str>) -> Result<Option<WorkspaceId>> {
        let found = match name {
            None => store::workspaces::find_first(tx).await?,
            Some(name) => match name.parse() {
                Ok(id) => store::workspaces::find(tx, id).await?,
                Err(_) => store::workspaces::find_by_slug(tx, name).await?,
            },
        };
        Ok(found.map(|workspace| workspace.id))
    }

    async fn record(&self, tx: &mut Tx, ctx: &Ctx, audit: Audit) -> Result<()> {
        let entry = NewEntry::by(ctx, audit.action).detail(audit.detail);
        let entry = match audit.target {
            Some(target) => entry.target(target),
            None => entry,
        };
        store::audit::append(tx, entry).await
    }
}
