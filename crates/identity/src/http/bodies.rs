//! Bodies that several routes share.

use kernel::{Ctx, Grants, Timestamp, UserId, WorkspaceId};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::{
    model::{self, Member, Membership},
    service::{Identity, KeyHolder, SignedIn, TokenPair},
};

/// Languages of the console.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub(super) enum Locale {
    #[serde(rename = "en")]
    English,
    #[serde(rename = "fr")]
    French,
}

impl From<kernel::Locale> for Locale {
    fn from(locale: kernel::Locale) -> Self {
        match locale {
            kernel::Locale::English => Self::English,
            kernel::Locale::French => Self::French,
        }
    }
}

impl From<Locale> for kernel::Locale {
    fn from(locale: Locale) -> Self {
        match locale {
            Locale::English => Self::English,
            Locale::French => Self::French,
        }
    }
}

/// Tells `null` (`Some(None)`) from a field that is not there (`None`).
pub(super) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What a program gets for its credentials (RFC 6749 §5.1).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tokens {
    access_token: String,
    /// Works once: the answer to it holds the next.
    refresh_token: String,
    #[schema(example = "bearer")]
    token_type: &'static str,
    /// Seconds that the access token works.
    expires_in: u32,
}

impl From<TokenPair> for Tokens {
    fn from(pair: TokenPair) -> Self {
        Self {
            access_token: pair.access,
            refresh_token: pair.refresh,
            token_type: "bearer",
            expires_in: pair.expires_in_s,
        }
    }
}

/// The signed-in user, here and now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    #[schema(value_type = String, example = "usr_01jd8x0000000000000000000a")]
    id: UserId,
    email: String,
    first_name: String,
    last_name: String,
    #[schema(required)]
    locale: Option<Locale>,
    is_active: bool,
    is_verified: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    last_login_at: Option<Timestamp>,
    /// An address that is to replace `email`, once both are confirmed.
    #[schema(required)]
    pending_email: Option<String>,
    /// Roles in the present workspace.
    roles: Vec<String>,
    /// What the caller may do in the present workspace, by name.
    permissions: Vec<String>,
    /// What the token or session is narrowed to; empty: nothing.
    scopes: Vec<String>,
    workspace: WorkspaceRef,
    /// All workspaces of the user.
    workspaces: Vec<WorkspaceWithRole>,
    /// The policy asks for a second factor, and there is none: until one is set up nothing else is answered.
    second_factor_needed: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WorkspaceRef {
    #[schema(value_type = String)]
    id: WorkspaceId,
    name: String,
    slug: String,
}

/// A workspace and the caller's roles in it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Workspace)]
pub(super) struct WorkspaceWithRole {
    #[schema(value_type = String)]
    pub(super) id: WorkspaceId,
    pub(super) name: String,
    pub(super) slug: String,
    /// The first of `roles`.
    pub(super) role: String,
    pub(super) roles: Vec<String>,
}

impl From<&Membership> for WorkspaceWithRole {
    fn from(membership: &Membership) -> Self {
        Self {
            id: membership.workspace.id,
            name: membership.workspace.name.clone(),
            slug: membership.workspace.slug.clone(),
            role: membership.roles.first().map(|role| role.name.clone()).unwrap_or_default(),
            roles: membership.role_names(),
        }
    }
}

impl Me {
    /// As seen by a caller; `ctx` says in which workspace and with what scopes.
    pub(super) fn seen_by(identity: &Identity, signed_in: &SignedIn, ctx: &Ctx) -> Self {
        let membership = signed_in.membership(ctx.workspace).unwrap_or_else(|| signed_in.current());
        Self::new(identity, &signed_in.user, membership, &ctx.grants)
            .narrowed_to(&signed_in.session.scopes)
            .among(&signed_in.memberships)
            .needing(signed_in.needs_second_factor)
    }

    /// As seen by a program with an API key: only the key's workspace is there for it.
    pub(super) fn of_key(identity: &Identity, holder: &KeyHolder, ctx: &Ctx) -> Self {
        Self::new(identity, &holder.user, &holder.membership, &ctx.grants)
            .narrowed_to(&holder.key.scopes)
            .among(std::slice::from_ref(&holder.membership))
    }

    /// As a session that was just opened sees itself.
    pub(super) fn just_signed_in(identity: &Identity, signed_in: &SignedIn) -> Self {
        let membership = signed_in.current();
        Self::new(identity, &signed_in.user, membership, &membership.grants)
            .narrowed_to(&signed_in.session.scopes)
            .among(&signed_in.memberships)
            .needing(signed_in.needs_second_factor)
    }

    fn narrowed_to(self, scopes: &[String]) -> Self {
        Self { scopes: scopes.to_vec(), ..self }
    }

    fn needing(self, second_factor: bool) -> Self {
        Self { second_factor_needed: second_factor, ..self }
    }

    fn among(self, memberships: &[Membership]) -> Self {
        Self { workspaces: memberships.iter().map(WorkspaceWithRole::from).collect(), ..self }
    }

    fn new(identity: &Identity, user: &model::User, membership: &Membership, grants: &Grants) -> Self {
        let permissions = identity.catalogue().names().iter().filter(|name| grants.has(name));
        Self {
            id: user.id,
            email: user.email.clone(),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            locale: user.locale.map(Locale::from),
            is_active: user.is_active,
            is_verified: user.is_verified,
            created_at: user.created_at,
            last_login_at: user.last_login_at,
            pending_email: user.pending_email.as_ref().map(|pending| pending.email.clone()),
            roles: membership.role_names(),
            permissions: permissions.map(|name| (*name).to_owned()).collect(),
            scopes: Vec::new(),
            workspace: WorkspaceRef {
                id: membership.workspace.id,
                name: membership.workspace.name.clone(),
                slug: membership.workspace.slug.clone(),
            },
            workspaces: Vec::new(),
            second_factor_needed: false,
        }
    }
}

/// Who has an account.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum UserKind {
    Person,
    /// A program with secrets of its own.
    Service,
}

impl From<model::UserKind> for UserKind {
    fn from(kind: model::UserKind) -> Self {
        match kind {
            model::UserKind::Person => Self::Person,
            model::UserKind::Service => Self::Service,
        }
    }
}

impl From<UserKind> for model::UserKind {
    fn from(kind: UserKind) -> Self {
        match kind {
            UserKind::Person => Self::Person,
            UserKind::Service => Self::Service,
        }
    }
}

/// A person of the workspace.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct User {
    #[schema(value_type = String)]
    id: UserId,
    kind: UserKind,
    email: String,
    first_name: String,
    last_name: String,
    is_active: bool,
    is_verified: bool,
    /// Roles in this workspace.
    roles: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    last_login_at: Option<Timestamp>,
    /// Deleted, but still to be restored.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    deleted_at: Option<Timestamp>,
}

impl From<Member> for User {
    fn from(member: Member) -> Self {
        let Member { user, roles } = member;
        Self {
            id: user.id,
            kind: user.kind.into(),
            email: user.email,
            first_name: user.first_name,
            last_name: user.last_name,
            is_active: user.is_active,
            is_verified: user.is_verified,
            roles,
            created_at: user.created_at,
            updated_at: user.updated_at,
            last_login_at: user.last_login_at,
            deleted_at: user.deleted_at,
        }
    }
}
