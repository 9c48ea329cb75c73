use kernel::{Locale, Timestamp, UserId, WorkspaceId};

/// Who has an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserKind {
    Person,
    /// A program with secrets of its own; it has no password and no page.
    Service,
}

impl UserKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service => "service",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Person, Self::Service].into_iter().find(|kind| kind.name() == text)
    }
}

/// An account.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) kind: UserKind,
    /// The workspace whose administrators manage the account itself.
    pub(crate) home: WorkspaceId,
    pub(crate) email: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) locale: Option<Locale>,
    pub(crate) is_active: bool,
    pub(crate) is_verified: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) last_login_at: Option<Timestamp>,
    /// Put aside: hidden from all but who restores or purges it.
    pub(crate) deleted_at: Option<Timestamp>,
    /// An address that is not confirmed from both sides yet.
    pub(crate) pending_email: Option<PendingEmail>,
}

/// The address that an account is to get, and until when it may be confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PendingEmail {
    pub(crate) email: String,
    pub(crate) until: Timestamp,
}

/// A user with what proves who they are. No `Debug`: the hash stays out of logs.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) user: User,
    /// `None` for an account that signs in elsewhere.
    pub(crate) password_hash: Option<String>,
    /// They registered by themselves: the address must be verified before they sign in.
    pub(crate) must_verify: bool,
}

impl Account {
    pub(crate) fn may_sign_in(&self) -> bool {
        self.user.is_active && self.user.deleted_at.is_none() && (self.user.is_verified || !self.must_verify)
    }
}

/// A user as a workspace knows them.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) user: User,
    /// By name; never empty.
    pub(crate) roles: Vec<String>,
}

impl Member {
    pub(crate) fn has_role(&self, name: &str) -> bool {
        self.roles.iter().any(|role| role == name)
    }
}

/// A member with the hash of their password. No `Debug`: the hash stays out of logs.
pub(crate) struct Exported {
    pub(crate) member: Member,
    pub(crate) password_hash: Option<String>,
}

/// What a list of members is narrowed to.
#[derive(Debug, Default)]
pub(crate) struct MemberFilter {
    /// Part of the address or of a name, without regard to case.
    pub(crate) search: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) is_active: Option<bool>,
    pub(crate) is_verified: Option<bool>,
    pub(crate) kind: Option<UserKind>,
    /// Only those that were deleted, instead of those that are there.
    pub(crate) deleted: bool,
}
