use kernel::{Locale, Timestamp, UserId, WorkspaceId};

/// A person's account.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: UserId,
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
}

/// A user with what proves who they are. No `Debug`: the hash stays out of logs.
pub(crate) struct Account {
    pub(crate) user: User,
    /// `None` for an account that signs in elsewhere.
    pub(crate) password_hash: Option<String>,
    pub(crate) deleted: bool,
}

impl Account {
    pub(crate) fn may_sign_in(&self) -> bool {
        self.user.is_active && !self.deleted
    }
}

/// A user as a workspace knows them.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) user: User,
    pub(crate) role: String,
}

/// What a list of members is narrowed to.
#[derive(Debug, Default)]
pub(crate) struct MemberFilter {
    /// Part of the address or of a name, without regard to case.
    pub(crate) search: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) is_active: Option<bool>,
}
