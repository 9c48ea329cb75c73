use std::net::IpAddr;

use kernel::{Ctx, RequestId, Timestamp, UserId, WorkspaceId, id_kind};
use serde_json::Value;

use super::Visit;

id_kind! {
    /// One row of the audit log.
    pub(crate) Audit = "aud" => AuditId
}

/// Something that happened, before it has its place in the chain. No secrets in `detail`.
#[derive(Debug, Clone)]
pub(crate) struct NewEntry {
    pub(crate) workspace: WorkspaceId,
    pub(crate) at: Timestamp,
    pub(crate) actor: Option<UserId>,
    /// For an actor without an account, or one that is not known; else it is looked up.
    pub(crate) actor_email: Option<String>,
    pub(crate) action: &'static str,
    pub(crate) target: Option<String>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) request_id: RequestId,
    pub(crate) detail: Value,
}

impl NewEntry {
    /// By a signed-in caller, or by the system.
    pub(crate) fn by(ctx: &Ctx, action: &'static str) -> Self {
        Self {
            workspace: ctx.workspace,
            at: ctx.now,
            actor: ctx.actor.user(),
            actor_email: ctx.actor.user().is_none().then(|| ctx.actor.to_string()),
            action,
            target: None,
            address: ctx.address,
            request_id: ctx.request_id.clone(),
            detail: Value::Object(serde_json::Map::new()),
        }
    }

    /// By somebody who is not signed in yet.
    pub(crate) fn during(visit: &Visit, workspace: WorkspaceId, action: &'static str) -> Self {
        Self {
            workspace,
            at: visit.now,
            actor: None,
            actor_email: None,
            action,
            target: None,
            address: visit.address,
            request_id: visit.request_id.clone(),
            detail: Value::Object(serde_json::Map::new()),
        }
    }

    pub(crate) fn actor(self, user: UserId) -> Self {
        Self { actor: Some(user), ..self }
    }

    pub(crate) fn target(self, target: impl ToString) -> Self {
        Self { target: Some(target.to_string()), ..self }
    }

    pub(crate) fn detail(self, detail: Value) -> Self {
        Self { detail, ..self }
    }
}

/// A row of the log.
#[derive(Debug, Clone)]
pub(crate) struct AuditEntry {
    pub(crate) id: AuditId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) seq: i64,
    pub(crate) at: Timestamp,
    pub(crate) actor: Option<UserId>,
    pub(crate) actor_email: Option<String>,
    pub(crate) action: String,
    pub(crate) target: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) request_id: String,
    /// JSON, as it stands in the table: the hash is over the text.
    pub(crate) detail: String,
}

/// What the log is narrowed to.
#[derive(Debug, Clone, Default)]
pub(crate) struct AuditFilter {
    /// An action; or the beginning of some, with `*` or a dot at its end.
    pub(crate) action: Option<String>,
    /// A user's id, or an e-mail address as the log has it.
    pub(crate) actor: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) address: Option<String>,
    /// Part of an action, an actor's address, a target or a detail, without regard to case.
    pub(crate) search: Option<String>,
    pub(crate) from: Option<Timestamp>,
    /// Before this time.
    pub(crate) to: Option<Timestamp>,
}
