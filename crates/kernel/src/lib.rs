//! The words that every part of Socle shares.
//!
//! * [`Id`]: a prefixed UUIDv7 (`cam_01jd…`), one type per thing, so that a camera cannot be passed where an event is due.
//! * [`Clock`]: where "now" comes from. Nothing else may ask the machine for the time.
//! * [`Ctx`]: who asks, in which workspace, in which request, at what time.
//! * [`Allow<P>`]: a [`Ctx`] that has been proven to hold permission `P`. Only this crate can make one, so a service
//!   function that takes `&Allow<P>` cannot be reached without the check.
//! * [`Problem`]: an error as callers see it (RFC 9457), free of HTTP types.
//!
//! Everything here is a value: no I/O, no async, no web framework, no database. It changes rarely, because all else
//! is rebuilt after it.

mod clock;
mod ctx;
mod id;
mod permission;
mod problem;
mod secret;
mod trace;

pub use clock::{Clock, SystemClock};
pub use ctx::{Actor, Ctx, Locale, RequestId};
pub use id::{Id, IdError, IdKind};
pub use jiff::Timestamp;
pub use permission::{Allow, Denied, Grants, Permission, PermissionInfo};
pub use problem::{FieldError, Problem, ToProblem};
pub use secret::{REDACTED, SECRET, Secret};
pub use trace::{NotTraceParent, TraceParent};

id_kind! {
    /// A tenant: every row of an application belongs to one.
    pub Workspace = "ws" => WorkspaceId
}
id_kind! {
    /// A person, or a service account.
    pub User = "usr" => UserId
}
id_kind! {
    /// A piece of long work that a caller can follow: a job.
    pub Task = "task" => TaskId
}
id_kind! {
    /// One signed-in device.
    pub Session = "ses" => SessionId
}
id_kind! {
    /// A key by which a program acts for its owner.
    pub ApiKey = "key" => ApiKeyId
}
id_kind! {
    /// One request; see [`RequestId`], which also takes the caller's own text.
    pub Request = "req" => RequestUuid
}
