use kernel::{Locale, Timestamp, UserId, WorkspaceId, id_kind};

id_kind! {
    /// Somebody was asked to join a workspace.
    pub(crate) InvitationKind = "inv" => InvitationId
}

/// An open invitation: neither accepted nor revoked, though perhaps expired.
#[derive(Debug, Clone)]
pub(crate) struct Invitation {
    pub(crate) id: InvitationId,
    pub(crate) workspace: WorkspaceId,
    /// As it was typed.
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) locale: Locale,
    /// `None`: made on the command line.
    pub(crate) invited_by: Option<UserId>,
    pub(crate) created_at: Timestamp,
    pub(crate) sent_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl Invitation {
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}
