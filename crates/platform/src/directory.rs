use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use db::{Result, Tx};
use kernel::{Ctx, Grants, Locale, UserId, WorkspaceId};
use serde_json::Value;

/// A person as modules may know them.
#[derive(Debug, Clone)]
pub struct Person {
    pub id: UserId,
    pub email: String,
    /// The full name, else the e-mail address.
    pub name: String,
    /// `None` where they never chose a language.
    pub locale: Option<Locale>,
    /// False for a disabled account: tell it nothing.
    pub is_active: bool,
}

/// A person's place in a workspace.
#[derive(Debug, Clone)]
pub struct Member {
    pub person: Person,
    /// Names of their roles there.
    pub roles: Vec<String>,
    pub grants: Arc<Grants>,
}

/// What somebody did, for the audit log. No secrets in `detail`.
#[derive(Debug, Clone)]
pub struct Audit {
    /// `module.what-happened`.
    pub action: &'static str,
    /// Id of what it was done to.
    pub target: Option<String>,
    pub detail: Value,
}

/// What [`Directory`] asks. Implemented by `identity`.
#[async_trait]
pub trait People: Send + Sync + 'static {
    async fn person(&self, tx: &mut Tx, id: UserId) -> Result<Option<Person>>;
    async fn member(&self, tx: &mut Tx, workspace: WorkspaceId, id: UserId) -> Result<Option<Member>>;
    async fn members(&self, tx: &mut Tx, workspace: WorkspaceId) -> Result<Vec<Member>>;
    async fn find_workspace(&self, tx: &mut Tx, name: Option<&str>) -> Result<Option<WorkspaceId>>;
    async fn first_workspace(&self, tx: &mut Tx, maker: &'static str) -> Result<Option<WorkspaceId>>;
    async fn closed_workspaces(&self, tx: &mut Tx) -> Result<Vec<WorkspaceId>>;
    async fn record(&self, tx: &mut Tx, ctx: &Ctx, audit: Audit) -> Result<()>;
}

/// What modules may ask of identity without importing it. Cheap to clone.
#[derive(Clone, Default)]
pub struct Directory(Arc<OnceLock<Arc<dyn People>>>);

impl Directory {
    /// Called once, by identity, when it is built. A second call changes nothing.
    pub fn provide(&self, people: Arc<dyn People>) {
        drop(self.0.set(people));
    }

    fn people(&self) -> &dyn People {
        &**self.0.get().expect("identity is built, and provides this, before anything runs")
    }

    /// Anybody with an account, disabled ones included, deleted ones not.
    pub async fn person(&self, tx: &mut Tx, id: UserId) -> Result<Option<Person>> {
        self.people().person(tx, id).await
    }

    /// `None` for who is no member of the workspace.
    pub async fn member(&self, tx: &mut Tx, workspace: WorkspaceId, id: UserId) -> Result<Option<Member>> {
        self.people().member(tx, workspace, id).await
    }

    /// Everybody in the workspace, disabled accounts included; oldest first.
    pub async fn members(&self, tx: &mut Tx, workspace: WorkspaceId) -> Result<Vec<Member>> {
        self.people().members(tx, workspace).await
    }

    /// By slug or id; without a name the installation's first one.
    pub async fn find_workspace(&self, tx: &mut Tx, name: Option<&str>) -> Result<Option<WorkspaceId>> {
        self.people().find_workspace(tx, name).await
    }

    /// The installation's first one, made if nobody has made it yet; the audit log tells of `maker`. `None`: it was deleted.
    pub async fn first_workspace(&self, tx: &mut Tx, maker: &'static str) -> Result<Option<WorkspaceId>> {
        self.people().first_workspace(tx, maker).await
    }

    /// Those that were deleted, and may be restored: nothing runs for them. In the order of their ids.
    pub async fn closed_workspaces(&self, tx: &mut Tx) -> Result<Vec<WorkspaceId>> {
        self.people().closed_workspaces(tx).await
    }

    /// Appends to the audit log of the context's workspace, in the caller's transaction.
    ///
    /// Lock order: the last statement of the transaction, since the end of the log stays locked until it commits.
    pub async fn record(&self, tx: &mut Tx, ctx: &Ctx, audit: Audit) -> Result<()> {
        self.people().record(tx, ctx, audit).await
    }
}
