use std::sync::Arc;

use kernel::{Grants, PermissionInfo, Timestamp, WorkspaceId};

/// The built-in role that holds everything.
pub(crate) const ADMIN: &str = "admin";
/// In a role's list: every permission, now and later.
const EVERYTHING: &str = "*";

#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    pub(crate) id: WorkspaceId,
    pub(crate) name: String,
    pub(crate) slug: String,
    /// The installation's own: its members may hold what reaches beyond a workspace.
    pub(crate) is_first: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) deleted_at: Option<Timestamp>,
}

impl Workspace {
    pub(crate) fn new(id: WorkspaceId, name: &str, slug: &str, now: Timestamp) -> Self {
        Self {
            id,
            name: name.to_owned(),
            slug: slug.to_owned(),
            is_first: false,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        }
    }
}

/// A named set of permissions.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) description: String,
    /// The same in every workspace, and not to be changed.
    pub(crate) is_built_in: bool,
    permissions: Vec<String>,
}

impl Role {
    pub(crate) fn new(
        name: String,
        description: String,
        is_built_in: bool,
        permissions: Vec<String>,
    ) -> Self {
        Self { name, description, is_built_in, permissions }
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.permissions.iter().any(|name| name == EVERYTHING)
    }

    /// The names as they are kept: for a custom role, each a permission.
    pub(crate) fn named(&self) -> &[String] {
        &self.permissions
    }
}

/// What several roles grant together.
fn union(roles: &[Role]) -> Grants {
    if roles.iter().any(Role::is_everything) {
        Grants::all()
    } else {
        Grants::of(roles.iter().flat_map(|role| role.permissions.iter().cloned()))
    }
}

/// A permission, and the module that declares it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownPermission {
    pub(crate) module: &'static str,
    pub(crate) info: PermissionInfo,
}

/// Every permission of the installation, by name.
#[derive(Debug)]
pub(crate) struct Catalogue {
    known: Vec<KnownPermission>,
    names: Vec<&'static str>,
    /// Those that only members of the first workspace can hold.
    beyond: Vec<String>,
}

impl Catalogue {
    pub(crate) fn new(permissions: impl IntoIterator<Item = KnownPermission>) -> Self {
        let mut known: Vec<_> = permissions.into_iter().collect();
        known.sort_unstable_by_key(|known| known.info.name);
        known.dedup_by_key(|known| known.info.name);
        let beyond = known.iter().filter(|known| known.info.installation);
        Self {
            beyond: beyond.map(|known| known.info.name.to_owned()).collect(),
            names: known.iter().map(|known| known.info.name).collect(),
            known,
        }
    }

    pub(crate) fn known(&self) -> &[KnownPermission] {
        &self.known
    }

    pub(crate) fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// What these roles grant in a workspace: what reaches beyond it, in the first one only.
    pub(crate) fn grants(&self, is_first: bool, roles: &[Role]) -> Grants {
        let grants = union(roles);
        if is_first { grants } else { grants.without(self.beyond.iter().cloned()) }
    }

    /// What a role grants in a workspace, by name.
    pub(crate) fn granted(&self, is_first: bool, role: &Role) -> Vec<String> {
        let grants = self.grants(is_first, std::slice::from_ref(role));
        self.names.iter().filter(|name| grants.has(name)).map(|name| (*name).to_owned()).collect()
    }

    /// Nobody gives what they do not hold: a role may be given by who has all that it would grant here. What is
    /// everything, now and later, may be given by who has that.
    pub(crate) fn may_give(&self, caller: &Grants, is_first: bool, role: &Role) -> bool {
        (!role.is_everything() || caller.has(EVERYTHING))
            && self.granted(is_first, role).iter().all(|name| caller.has(name))
            && role.permissions.iter().all(|name| !self.knows(name) || self.held(caller, is_first, name))
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        self.names.binary_search(&name).is_ok()
    }

    /// A custom role of another workspace than the first may hold, from an earlier release, what nobody holds there.
    fn held(&self, caller: &Grants, is_first: bool, name: &str) -> bool {
        caller.has(name) || (!is_first && self.beyond.iter().any(|beyond| beyond == name))
    }
}

/// A user's place in a workspace.
#[derive(Debug, Clone)]
pub(crate) struct Membership {
    pub(crate) workspace: Workspace,
    /// By name; never empty.
    pub(crate) roles: Vec<Role>,
    pub(crate) grants: Arc<Grants>,
}

impl Membership {
    pub(crate) fn role_names(&self) -> Vec<String> {
        self.roles.iter().map(|role| role.name.clone()).collect()
    }
}

/// A role's name as it was typed: those of older French clients are the built-in ones.
pub(crate) fn role_name(typed: &str) -> &str {
    match typed {
        "enseignant" => "teacher",
        "etudiant" | "étudiant" => "student",
        other => other,
    }
}

/// As [`role_name`], for a filter: what no role can be called finds nothing, wildcards neither.
pub(crate) fn sought_role(typed: &str) -> String {
    let name = role_name(typed);
    if is_role_name(name) { name } else { "-" }.to_owned()
}

/// Name of a role that a workspace makes for itself: 1 to 50 of `a-z`, `0-9` and single hyphens, beginning with a letter.
/// None that an older client takes for another role.
pub(crate) fn is_role_name(text: &str) -> bool {
    (1..=50).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
        && !text.contains("--")
        && role_name(text) == text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        let permission = |name, installation| KnownPermission {
            module: "a",
            info: PermissionInfo { name, description: "", installation },
        };
        Catalogue::new([
            permission("a.b.write", false),
            permission("a.b.read", false),
            permission("a.all.write", true),
        ])
    }

    fn role(permissions: &[&str]) -> Role {
        let names = permissions.iter().map(|name| (*name).to_owned()).collect();
        Role::new("r".into(), String::new(), false, names)
    }

    #[test]
    fn nobody_gives_what_they_do_not_hold() {
        let some = Grants::of(["a.b.read".to_owned(), "a.b.write".to_owned()]);
        let check = |caller: &Grants, is_first, permissions: &[&str], expected| {
            let may = catalogue().may_give(caller, is_first, &role(permissions));
            assert_eq!(may, expected, "{caller:?} {is_first} {permissions:?}");
        };
        check(&Grants::all(), true, &["*"], true);
        check(&Grants::all().narrowed(["read".to_owned()]), true, &["*"], false);
        check(&Grants::all().narrowed(["write".to_owned()]), true, &["*"], false);
        check(&some, true, &["a.b.read"], true);
        check(&some, true, &["a.b.read", "a.all.write"], false);
        check(&some, true, &["*"], false);
        check(&some, false, &["*"], false);
        check(&Grants::none(), true, &[], true);
        // The administrator of another workspace may make others, though none of them reaches beyond it.
        let elsewhere = catalogue().grants(false, &[role(&["*"])]);
        check(&elsewhere, false, &["*"], true);
        check(&elsewhere, true, &["*"], false);
        check(&elsewhere, true, &["a.all.write"], false);
    }

    #[test]
    fn roles_add_up_and_stay_within_their_workspace() {
        let roles = [role(&["a.b.read", "a.all.write"]), role(&["a.b.write"])];
        let here = catalogue().grants(false, &roles);
        assert!(here.has("a.b.read") && here.has("a.b.write") && !here.has("a.all.write"));
        assert!(catalogue().grants(true, &roles).has("a.all.write"));
        assert!(!catalogue().grants(false, &[role(&["*"])]).has("a.all.write"));
    }

    #[test]
    fn names_of_roles_are_plain_and_mean_one_thing() {
        for (name, fine) in [
            ("night-shift", true),
            ("r2", true),
            ("enseignant", false),
            ("Admin", false),
            ("-a", false),
            ("a--b", false),
            ("2r", false),
            ("a_b", false),
            ("a%", false),
            ("", false),
        ] {
            assert_eq!(is_role_name(name), fine, "{name:?}");
        }
        assert_eq!(
            (role_name("etudiant"), role_name("enseignant"), role_name("x")),
            ("student", "teacher", "x")
        );
    }
}
