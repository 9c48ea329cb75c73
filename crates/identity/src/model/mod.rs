//! Values and rules; no I/O.

mod access;
mod audit;
mod email;
mod factor;
mod invitation;
mod name;
mod next;
mod passkey;
mod password;
mod refresh;
mod secret;
mod session;
mod user;

pub(crate) use access::{
    ADMIN, Catalogue, KnownPermission, Membership, Role, Workspace, is_role_name, role_name, sought_role,
};
pub(crate) use audit::{AuditEntry, AuditFilter, AuditId, ChainEnd, NewEntry};
pub(crate) use email::Email;
pub(crate) use factor::{Factor, Factors, RECOVERY_CODES, RecoveryCode, TotpSecret};
pub(crate) use invitation::{Invitation, InvitationId};
pub(crate) use name::{PersonName, Slug, WorkspaceName};
pub(crate) use next::own_path;
pub(crate) use passkey::{PasskeyId, StoredPasskey, passkey_name};
pub(crate) use password::{refuse_length, refuse_password};
pub(crate) use refresh::{Presented, RefreshState};
pub(crate) use secret::{Hash, Token};
pub(crate) use session::{Session, SessionKind, SessionTimes, Visit, methods};
pub(crate) use user::{Account, Member, MemberFilter, User, UserKind};
