//! Accounts from a file, and into one. Rows come and go some hundreds at a time: a file may be of any length.

use std::collections::{HashMap, HashSet};

use db::Tx;
use kernel::{Allow, UserId};
use serde_json::json;

use super::{Identity, UserChange, users::lock};
use crate::{
    error::Error,
    model::{Account, Exported, ImportRow, Member, NewEntry, RowFault, User, UserKind},
    permissions::{ReadUsers, WriteUsers},
    store,
};

/// What an import does, or would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Imported {
    pub(crate) created: u64,
    pub(crate) updated: u64,
    /// Were there already, as the file says or not to be changed.
    pub(crate) unchanged: u64,
}

impl Imported {
    pub(crate) fn add(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
    }
}

/// What one row comes to.
enum Plan {
    Create,
    Update(Box<Member>, UserChange),
    Unchanged,
}

impl Identity {
    /// Looks at some rows beside the accounts that are there; changes nothing.
    pub(crate) async fn check_import(
        &self,
        allow: &Allow<WriteUsers>,
        rows: &[ImportRow],
        update: bool,
    ) -> Result<(Imported, Vec<RowFault>), Error> {
        let mut refused = HashMap::new();
        for row in rows {
            let Some(password) = &row.password else { continue };
            let reason = self.0.passwords.refusal(password.clone(), row.email.clone()).await?;
            refused.extend(reason.map(|reason| (row.line, reason)));
        }
        let mut tx = self.0.db.read().await?;
        let mut found = Imported::default();
        let mut faults = Vec::new();
        for (row, plan) in rows.iter().zip(plans(&mut tx, allow, rows, update).await?) {
            match plan {
                Ok(Plan::Create) if refused.contains_key(&row.line) => {
                    faults.push(password_fault(row, refused[&row.line]));
                }
                Ok(Plan::Create) => found.created += 1,
                Ok(Plan::Update(..)) => found.updated += 1,
                Ok(Plan::Unchanged) => found.unchanged += 1,
                Err(fault) => faults.push(fault),
            }
        }
        Ok((found, faults))
    }

    /// Writes some rows; those that cannot be written are told and left out. Passwords of accounts that are there are never
    /// changed: their owners may have set new ones since.
    pub(crate) async fn import(
        &self,
        allow: &Allow<WriteUsers>,
        rows: &[ImportRow],
        update: bool,
    ) -> Result<(Imported, Vec<RowFault>), Error> {
        let mut hashes: HashMap<u64, Result<String, String>> = HashMap::new();
        for row in rows {
            let Some(password) = &row.password else { continue };
            match self.0.passwords.hash(password.clone(), row.email.clone(), "/password").await {
                Ok(hash) => hashes.insert(row.line, Ok(hash)),
                Err(Error::Invalid { reason, .. }) => hashes.insert(row.line, Err(reason)),
                Err(error) => return Err(error),
            };
        }
        let mut tx = self.0.db.begin().await?;
        lock(&mut tx, allow).await?;
        let mut done = Imported::default();
        let mut faults = Vec::new();
        let mut updates = Vec::new();
        for (row, plan) in rows.iter().zip(plans(&mut tx, allow, rows, update).await?) {
            let hash = hashes.get(&row.line);
            match plan {
                Err(fault) => faults.push(fault),
                Ok(Plan::Unchanged) => done.unchanged += 1,
                Ok(Plan::Update(member, change)) => updates.push((row.line, member.user.id, change)),
                Ok(Plan::Create) => match hash {
                    Some(Err(reason)) => faults.push(password_fault(row, reason)),
                    hashed => {
                        let hash = hashed.and_then(|hash| hash.as_ref().ok()).or(row.password_hash.as_ref());
                        insert(&mut tx, allow, row, hash.map(String::as_str)).await?;
                        done.created += 1;
                    }
                },
            }
        }
        if done.created > 0 {
            let lines = rows.first().zip(rows.last()).map(|(first, last)| [first.line, last.line]);
            let entry = NewEntry::by(allow, "identity.users-imported");
            let entry = entry.detail(json!({ "created": done.created, "lines": lines }));
            self.write_down(&mut tx, entry).await?;
        }
        tx.commit().await?;
        for (line, id, change) in updates {
            match self.update_user(allow, id, change).await {
                Ok(_) => done.updated += 1,
                Err(error @ Error::Db(_)) => return Err(error),
                Err(error) => faults.push(RowFault::new(line, error.to_string())),
            }
        }
        Ok((done, faults))
    }

    /// Some of the accounts that are at home in the workspace, by id, after that of the last ones.
    pub(crate) async fn export(
        &self,
        allow: &Allow<ReadUsers>,
        after: Option<UserId>,
        limit: i64,
    ) -> Result<Vec<Exported>, Error> {
        let mut tx = self.0.db.read().await?;
        Ok(store::users::list_for_export(&mut tx, allow.workspace, after, limit).await?)
    }
}

fn password_fault(row: &ImportRow, reason: &str) -> RowFault {
    RowFault::new(row.line, format!("password: {reason}"))
}

async fn plans(
    tx: &mut Tx,
    allow: &Allow<WriteUsers>,
    rows: &[ImportRow],
    update: bool,
) -> Result<Vec<Result<Plan, RowFault>>, Error> {
    let known: HashSet<String> =
        store::roles::list(tx, allow.workspace).await?.into_iter().map(|role| role.name).collect();
    let keys: Vec<_> = rows.iter().map(|row| row.email.key()).collect();
    let accounts = store::users::list_by_keys(tx, &keys).await?;
    let accounts: HashMap<String, Account> = accounts.into_iter().collect();
    let mut plans = Vec::with_capacity(rows.len());
    for row in rows {
        let unknown = row.roles_or_default().into_iter().find(|role| !known.contains(role));
        plans.push(match (unknown, accounts.get(row.email.key())) {
            (Some(role), _) => {
                Err(RowFault::new(row.line, format!("role: {role:.60?} is no role of this workspace")))
            }
            (None, None) => Ok(Plan::Create),
            (None, Some(account)) => existing(tx, allow, row, account, update).await?,
        });
    }
    Ok(plans)
}

async fn existing(
    tx: &mut Tx,
    allow: &Allow<WriteUsers>,
    row: &ImportRow,
    account: &Account,
    update: bool,
) -> Result<Result<Plan, RowFault>, Error> {
    let user = &account.user;
    let told = |reason: &str| Ok(Err(RowFault::new(row.line, reason)));
    if user.home != allow.workspace || user.kind != UserKind::Person {
        return told("email: belongs to an account of another workspace");
    }
    if user.deleted_at.is_some() {
        return told("email: belongs to a deleted account: restore it, or purge it first");
    }
    if !update {
        return Ok(Ok(Plan::Unchanged));
    }
    let Some(member) = store::users::find_member(tx, allow.workspace, user.id).await? else {
        return told("email: belongs to an account that left the workspace");
    };
    let changed = |wanted: &Option<String>, is: &str| wanted.clone().filter(|wanted| wanted != is);
    let mut held = member.roles.clone();
    held.sort_unstable();
    let change = UserChange {
        first_name: changed(&row.first_name, &user.first_name),
        last_name: changed(&row.last_name, &user.last_name),
        is_active: row.is_active.filter(|wanted| *wanted != user.is_active),
        is_verified: row.is_verified.filter(|wanted| *wanted != user.is_verified),
        email: None,
        locale: row.locale.filter(|wanted| Some(*wanted) != user.locale),
        roles: row.roles.clone().filter(|wanted| *wanted != held),
        role: None,
    };
    Ok(Ok(if change.is_empty() { Plan::Unchanged } else { Plan::Update(Box::new(member), change) }))
}

async fn insert(
    tx: &mut Tx,
    allow: &Allow<WriteUsers>,
    row: &ImportRow,
    hash: Option<&str>,
) -> Result<(), Error> {
    let user = User {
        id: UserId::new(allow.now),
        kind: UserKind::Person,
        home: allow.workspace,
        email: row.email.shown().to_owned(),
        first_name: row.first_name.clone().unwrap_or_default(),
        last_name: row.last_name.clone().unwrap_or_default(),
        locale: row.locale,
        is_active: row.is_active.unwrap_or(true),
        is_verified: row.is_verified.unwrap_or(false),
        created_at: allow.now,
        updated_at: allow.now,
        last_login_at: None,
        deleted_at: None,
        pending_email: None,
    };
    store::users::insert(tx, &user, &row.email, hash).await?;
    let roles = row.roles_or_default();
    store::workspaces::insert_membership(tx, allow.workspace, user.id, &roles[0], allow.now).await?;
    if roles.len() > 1 {
        store::workspaces::save_membership(tx, allow.workspace, user.id, &roles).await?;
    }
    Ok(())
}
