//! Values and rules; no I/O.

mod access;
mod audit;
mod email;
mod name;
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
pub(crate) use name::{PersonName, Slug, WorkspaceName};
pub(crate) use password::{refuse_length, refuse_password};
pub(crate) use refresh::{Presented, RefreshState};
pub(crate) use secret::{Hash, Token};
pub(crate) use session::{Session, SessionKind, SessionTimes, Visit, methods};
pub(crate) use user::{Account, Member, MemberFilter, User, UserKind};
