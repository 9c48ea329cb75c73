use std::sync::Arc;

use kernel::{Grants, Timestamp, WorkspaceId};

/// The built-in role that holds everything.
pub(crate) const ADMIN: &str = "admin";
/// In a role's list: every permission, now and later.
const EVERYTHING: &str = "*";

#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    pub(crate) id: WorkspaceId,
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) created_at: Timestamp,
}

/// A named set of permissions.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) description: String,
    permissions: Vec<String>,
}

impl Role {
    pub(crate) fn new(name: String, description: String, permissions: Vec<String>) -> Self {
        Self { name, description, permissions }
    }

    pub(crate) fn grants(&self) -> Grants {
        if self.permissions.iter().any(|name| name == EVERYTHING) {
            Grants::all()
        } else {
            Grants::of(self.permissions.iter().cloned())
        }
    }

    /// The permissions by name, given the list of all that exist.
    pub(crate) fn permissions(&self, known: &[&'static str]) -> Vec<String> {
        if self.permissions.iter().any(|name| name == EVERYTHING) {
            known.iter().map(|name| (*name).to_owned()).collect()
        } else {
            self.permissions.clone()
        }
    }
}

/// A user's place in a workspace.
#[derive(Debug, Clone)]
pub(crate) struct Membership {
    pub(crate) workspace: Workspace,
    pub(crate) role: Role,
    pub(crate) grants: Arc<Grants>,
}

/// Nobody gives what they do not hold: a role may be given by who has all of its permissions.
pub(crate) fn may_give(caller: &Grants, role: &Role) -> bool {
    role.permissions.iter().all(|name| caller.has(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gives_what_they_do_not_hold() {
        let role = |permissions: &[&str]| {
            Role::new("r".into(), String::new(), permissions.iter().map(|name| (*name).to_owned()).collect())
        };
        let some = Grants::of(["a.b.read".to_owned(), "a.b.write".to_owned()]);
        let check = |caller: &Grants, permissions: &[&str], expected| {
            assert_eq!(may_give(caller, &role(permissions)), expected, "{caller:?} {permissions:?}");
        };
        check(&Grants::all(), &["*"], true);
        check(&Grants::all().narrowed(["read".to_owned()]), &["*"], false);
        check(&some, &["a.b.read"], true);
        check(&some, &["a.b.read", "c.d.read"], false);
        check(&some, &["*"], false);
        check(&Grants::none(), &[], true);
    }
}
