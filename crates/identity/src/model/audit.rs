use std::net::IpAddr;

use kernel::{Ctx, RequestId, Timestamp, UserId, WorkspaceId, id_kind};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Hash, Visit};

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

/// The last row of a workspace's chain.
#[derive(Debug, Clone)]
pub(crate) struct ChainEnd {
    pub(crate) seq: i64,
    pub(crate) hash: Hash,
}

impl ChainEnd {
    /// Where a chain begins: number 0, a hash of zeros.
    pub(crate) fn start() -> Self {
        Self { seq: 0, hash: Hash::from_bytes(&[0; 32]).expect("32 bytes") }
    }
}

impl AuditEntry {
    /// SHA-256 over the hash before and every field, each behind its length, so that no two rows read the same.
    pub(crate) fn hash(&self, before: &Hash) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(before.bytes());
        let mut field = |text: Option<&str>| match text {
            None => hasher.update([0]),
            Some(text) => {
                hasher.update([1]);
                hasher.update((text.len() as u64).to_be_bytes());
                hasher.update(text);
            }
        };
        field(Some(&self.id.to_string()));
        field(Some(&self.workspace.to_string()));
        field(Some(&self.seq.to_string()));
        field(Some(&self.at.as_microsecond().to_string()));
        field(self.actor.map(|id| id.to_string()).as_deref());
        field(self.actor_email.as_deref());
        field(Some(&self.action));
        field(self.target.as_deref());
        field(self.address.as_deref());
        field(Some(&self.request_id));
        field(Some(&self.detail));
        Hash::from_bytes(&hasher.finalize()).expect("SHA-256 gives 32 bytes")
    }
}

/// What the log is narrowed to.
#[derive(Debug, Default)]
pub(crate) struct AuditFilter {
    pub(crate) action: Option<String>,
    /// A user's id, or an e-mail address as the log has it.
    pub(crate) actor: Option<String>,
    /// Only rows before this number.
    pub(crate) before: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_counts_and_none_runs_into_the_next() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let entry = AuditEntry {
            id: AuditId::new(now),
            workspace: WorkspaceId::new(now),
            seq: 1,
            at: now,
            actor: None,
            actor_email: Some("a".into()),
            action: "b".into(),
            target: None,
            address: None,
            request_id: "r".into(),
            detail: "{}".into(),
        };
        let start = ChainEnd::start().hash;
        let hash = entry.hash(&start);
        let others = [
            AuditEntry { seq: 2, ..entry.clone() },
            AuditEntry { actor_email: Some("ab".into()), action: String::new(), ..entry.clone() },
            AuditEntry { target: Some(String::new()), ..entry.clone() },
            AuditEntry { detail: "{ }".into(), ..entry.clone() },
        ];
        for other in others {
            assert!(other.hash(&start) != hash, "{other:?}");
        }
        assert!(entry.hash(&hash) != hash);
        assert!(entry.clone().hash(&start) == hash);
    }
}
