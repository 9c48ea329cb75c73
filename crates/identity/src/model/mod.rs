//! Values and rules; no I/O.

mod access;
mod api_key;
mod audit;
mod chain;
mod email;
mod factor;
mod import;
mod invitation;
mod name;
mod next;
pub(crate) mod oauth;
mod passkey;
mod password;
mod refresh;
mod secret;
mod session;
mod signing;
mod stored_hash;
mod user;

pub(crate) use access::{
    ADMIN, Catalogue, KnownPermission, Membership, Role, Workspace, is_role_name, role_name, sought_role,
};
pub(crate) use api_key::{ApiKey, KeyKind, KeyText, ServiceAccount, ServiceSecret, ServiceSecretId};
pub(crate) use audit::{AuditEntry, AuditFilter, AuditId, NewEntry};
pub(crate) use chain::{ChainEnd, ChainKey, ChainedEntry, Ending, Fault, Walk};
pub(crate) use email::Email;
pub(crate) use factor::{Factor, Factors, RECOVERY_CODES, RecoveryCode, TotpSecret};
pub(crate) use import::{BETWEEN_ROLES, COLUMNS, ImportRow, RowFault};
pub(crate) use invitation::{Invitation, InvitationId};
pub(crate) use name::{PersonName, Slug, WorkspaceName};
pub(crate) use next::own_path;
pub(crate) use passkey::{PasskeyId, StoredPasskey, passkey_name};
pub(crate) use password::{PlaceWords, Strength, refuse_length, refuse_password, strength};
pub(crate) use refresh::{Presented, RefreshState};
pub(crate) use secret::{Hash, Token};
pub(crate) use session::{Session, SessionKind, SessionTimes, Visit, methods};
pub(crate) use signing::{KeyAlgorithm, KeyState, SigningKey, next_due, signer, state};
pub(crate) use stored_hash::{StoredHash, bcrypt_matches, pbkdf2_matches};
pub(crate) use user::{Account, Exported, Member, MemberFilter, PendingEmail, User, UserKind};
