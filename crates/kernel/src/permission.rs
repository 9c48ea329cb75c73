use std::{collections::BTreeSet, fmt, marker::PhantomData, ops::Deref};

use serde::{Deserialize, Serialize};

use crate::{Actor, Clock, Ctx, Locale, Problem, RequestId, ToProblem, WorkspaceId};

/// A thing that a caller may be allowed to do. One unit type each, declared by [`permission!`](crate::permission).
pub trait Permission: Send + Sync + 'static {
    /// `module.things.verb`, for example `surveillance.cameras.read`.
    const NAME: &'static str;
    /// One line for the people who give out roles.
    const DESCRIPTION: &'static str;
    /// It reaches beyond the workspace: only the members of the installation's first workspace can hold it.
    const INSTALLATION: bool = false;
    const INFO: PermissionInfo =
        PermissionInfo { name: Self::NAME, description: Self::DESCRIPTION, installation: Self::INSTALLATION };
}

/// A permission as data, for lists of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PermissionInfo {
    pub name: &'static str,
    pub description: &'static str,
    /// See [`Permission::INSTALLATION`].
    pub installation: bool,
}

/// Declares a permission: `permission!(ReadCameras = "surveillance.cameras.read", "See cameras and their pictures");`.
/// One that reaches beyond the workspace: `permission!(installation WriteSettings = "admin.settings.write", "…");`.
#[macro_export]
macro_rules! permission {
    ($name:ident = $text:literal, $description:literal) => {
        $crate::permission!(@ false, $name, $text, $description);
    };
    (installation $name:ident = $text:literal, $description:literal) => {
        $crate::permission!(@ true, $name, $text, $description);
    };
    (@ $installation:literal, $name:ident, $text:literal, $description:literal) => {
        #[doc = concat!($description, " (`", $text, "`).")]
        #[derive(Debug, Clone, Copy)]
        pub struct $name;
        impl $crate::Permission for $name {
            const NAME: &'static str = $text;
            const DESCRIPTION: &'static str = $description;
            const INSTALLATION: bool = $installation;
        }
    };
}

/// What a caller holds: the permissions of their roles, narrowed by the scopes of their token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    names: Names,
    scopes: Option<BTreeSet<String>>,
    /// Held back whatever the names and scopes say.
    #[serde(default)]
    except: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Names {
    All,
    Some(BTreeSet<String>),
}

impl Grants {
    /// Nothing at all.
    pub fn none() -> Self {
        Self::of([])
    }

    /// Everything, now and later: the administrator and the system itself.
    pub fn all() -> Self {
        Self { names: Names::All, scopes: None, except: BTreeSet::new() }
    }

    pub fn of(names: impl IntoIterator<Item = String>) -> Self {
        Self { names: Names::Some(names.into_iter().collect()), scopes: None, except: BTreeSet::new() }
    }

    /// Narrows to scopes: `read` covers every `….read`, `write` covers the rest, anything else is one permission's name.
    pub fn narrowed(mut self, scopes: impl IntoIterator<Item = String>) -> Self {
        self.scopes = Some(scopes.into_iter().collect());
        self
    }

    /// Holds these back, also from who has everything.
    pub fn without(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.except.extend(names);
        self
    }

    /// Do the scopes cover this class, `read` or `write`, as a whole? For what asks for no permission, such as matters of
    /// the caller's own: a token for one permission is not for these.
    pub fn covers(&self, class: &str) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.contains(class))
    }

    /// Narrowed as `other` is: what a caller's credential may not do in one workspace it may not do in another.
    pub fn narrowed_as(mut self, other: &Self) -> Self {
        self.scopes.clone_from(&other.scopes);
        self.except.extend(other.except.iter().cloned());
        self
    }

    pub fn has(&self, permission: &str) -> bool {
        let given = match &self.names {
            Names::All => true,
            Names::Some(names) => names.contains(permission),
        };
        let class = if permission.ends_with(".read") { "read" } else { "write" };
        given
            && !self.except.contains(permission)
            && self.scopes.as_ref().is_none_or(|scopes| scopes.contains(class) || scopes.contains(permission))
    }
}

/// The caller lacks a permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this needs the permission {permission}, which the caller does not hold here")]
pub struct Denied {
    pub permission: &'static str,
}

impl ToProblem for Denied {
    fn problem(&self) -> Problem {
        Problem::forbidden("denied", self)
    }
}

/// A [`Ctx`] that holds permission `P`: the proof, not the claim.
pub struct Allow<P> {
    ctx: Ctx,
    permission: PhantomData<fn() -> P>,
}

impl<P: Permission> Allow<P> {
    /// Proof for work that no person asked for; `why` goes to logs and audit rows.
    pub fn system(why: &'static str, workspace: WorkspaceId, clock: &dyn Clock) -> Self {
        Self { ctx: Ctx::system(why, workspace, clock.now()), permission: PhantomData }
    }
}

impl Ctx {
    /// The check itself.
    pub fn allow<P: Permission>(&self) -> Result<Allow<P>, Denied> {
        if self.grants.has(P::NAME) {
            Ok(Allow { ctx: self.clone(), permission: PhantomData })
        } else {
            Err(Denied { permission: P::NAME })
        }
    }

    /// The system acting by itself.
    pub fn system(why: &'static str, workspace: WorkspaceId, now: crate::Timestamp) -> Ctx {
        Ctx {
            actor: Actor::System(why),
            session: None,
            api_key: None,
            workspace,
            request_id: RequestId::new(now),
            now,
            locale: Locale::English,
            address: None,
            grants: std::sync::Arc::new(Grants::all()),
            trace_parent: None,
        }
    }
}

impl<P> Deref for Allow<P> {
    type Target = Ctx;
    fn deref(&self) -> &Ctx {
        &self.ctx
    }
}

impl<P> Clone for Allow<P> {
    fn clone(&self) -> Self {
        Self { ctx: self.ctx.clone(), permission: PhantomData }
    }
}

impl<P: Permission> fmt::Debug for Allow<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allow").field("permission", &P::NAME).field("ctx", &self.ctx).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_narrow_and_never_widen() {
        let check =
            |grants: Grants, permission, expected| assert_eq!(grants.has(permission), expected, "{grants:?}");
        let some = || Grants::of(["a.b.read".to_owned(), "a.b.write".to_owned()]);
        check(some(), "a.b.read", true);
        check(some(), "a.c.read", false);
        check(some().narrowed(["read".to_owned()]), "a.b.read", true);
        check(some().narrowed(["read".to_owned()]), "a.b.write", false);
        check(some().narrowed(["a.b.write".to_owned()]), "a.b.write", true);
        check(some().narrowed(["a.c.write".to_owned()]), "a.c.write", false);
        check(Grants::all().narrowed([]), "a.b.read", false);
        check(Grants::all(), "anything.at.all", true);
        check(Grants::none(), "a.b.read", false);
        check(Grants::all().without(["a.b.write".to_owned()]), "a.b.write", false);
        check(Grants::all().without(["a.b.write".to_owned()]), "a.b.read", true);
        assert!(some().covers("write"));
        assert!(some().narrowed(["write".to_owned()]).covers("write"));
        assert!(!some().narrowed(["a.b.write".to_owned(), "read".to_owned()]).covers("write"));
        let narrow = Grants::none().narrowed(["read".to_owned()]).without(["a.c.read".to_owned()]);
        check(Grants::all().narrowed_as(&narrow), "a.b.read", true);
        check(Grants::all().narrowed_as(&narrow), "a.b.write", false);
        check(Grants::all().narrowed_as(&narrow), "a.c.read", false);
    }
}
