use jobs::{QueueState, State, Task, TaskFilter};
use kernel::{Allow, Ctx, TaskId, WorkspaceId};
use platform::Audit;
use serde_json::json;
use web::{Page, PageQuery};

use super::Admin;
use crate::{
    error::Error,
    permissions::{ReadQueues, ReadSchedules, ReadTasks, WriteQueues, WriteSchedules, WriteTasks},
};

/// Whose tasks are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskScope {
    /// Those of the caller's workspace.
    Workspace,
    /// Those that belong to no workspace: what schedules make.
    Installation,
}

impl Admin {
    /// A task of the caller's workspace; or of the installation, for those who may see schedules.
    pub(crate) async fn task(&self, allow: &Allow<ReadTasks>, id: TaskId) -> Result<Task, Error> {
        let mut tx = self.0.platform.db.read().await?;
        let jobs = &self.0.platform.jobs;
        let mut found = jobs.find(&mut tx, allow.workspace, id).await?;
        if found.is_none() && allow.allow::<ReadSchedules>().is_ok() {
            found = jobs.find(&mut tx, jobs::installation(), id).await?;
        }
        found.ok_or(Error::NotFound(id))
    }

    pub(crate) async fn tasks(
        &self,
        allow: &Allow<ReadTasks>,
        scope: TaskScope,
        filter: TaskFilter,
        page: PageQuery,
    ) -> Result<Page<Task>, Error> {
        let workspace = match scope {
            TaskScope::Workspace => allow.workspace,
            TaskScope::Installation => {
                allow.allow::<ReadSchedules>()?;
                jobs::installation()
            }
        };
        let mut tx = self.0.platform.db.read().await?;
        let list = self.0.platform.jobs.list(&mut tx, workspace, &filter, page.page, page.page_size).await?;
        Ok(page.of(list.items, list.total))
    }

    pub(crate) async fn cancel(&self, allow: &Allow<WriteTasks>, id: TaskId) -> Result<Task, Error> {
        let mut tx = self.0.platform.db.begin().await?;
        let workspace = self.home(&mut tx, allow, id).await?;
        let task = self.0.platform.jobs.cancel(&mut tx, workspace, id).await?;
        tx.commit().await?;
        if task.state == State::Cancelled {
            // A running one is told of by its worker.
            self.0.platform.jobs.tell(&task);
        }
        Ok(task)
    }

    pub(crate) async fn retry(&self, allow: &Allow<WriteTasks>, id: TaskId) -> Result<Task, Error> {
        let mut tx = self.0.platform.db.begin().await?;
        let workspace = self.home(&mut tx, allow, id).await?;
        let task = self.0.platform.jobs.retry(&mut tx, workspace, id).await?;
        tx.commit().await?;
        self.0.platform.jobs.tell(&task);
        Ok(task)
    }

    pub(crate) async fn discard(&self, allow: &Allow<WriteTasks>, id: TaskId) -> Result<(), Error> {
        let mut tx = self.0.platform.db.begin().await?;
        let workspace = self.home(&mut tx, allow, id).await?;
        self.0.platform.jobs.discard(&mut tx, workspace, id).await?;
        Ok(tx.commit().await?)
    }

    /// In the audit trail, with what it tells of.
    pub(super) async fn record(
        &self,
        tx: &mut db::Tx,
        ctx: &Ctx,
        action: &'static str,
        target: &str,
        detail: serde_json::Value,
    ) -> Result<(), Error> {
        let audit = Audit { action, target: Some(target.to_owned()), detail };
        Ok(self.0.platform.directory.record(tx, ctx, audit).await?)
    }

    /// The workspace to look for the task in: the caller's own; or the installation, if the task is there and the caller
    /// may steer schedules.
    async fn home(&self, tx: &mut db::Tx, ctx: &Ctx, id: TaskId) -> Result<WorkspaceId, Error> {
        let outside = ctx.allow::<WriteSchedules>().is_ok()
            && self.0.platform.jobs.find(tx, jobs::installation(), id).await?.is_some();
        Ok(if outside { jobs::installation() } else { ctx.workspace })
    }

    pub(crate) async fn queues(&self, _: &Allow<ReadQueues>) -> Result<Vec<QueueState>, Error> {
        let mut tx = self.0.platform.db.read().await?;
        Ok(self.0.platform.jobs.queues(&mut tx).await?)
    }

    pub(crate) async fn pause_queue(
        &self,
        allow: &Allow<WriteQueues>,
        name: &str,
    ) -> Result<QueueState, Error> {
        let mut tx = self.0.platform.db.begin().await?;
        let queue = self.0.platform.jobs.pause(&mut tx, name).await?;
        self.record(&mut tx, allow, "admin.queue-paused", name, json!({})).await?;
        tx.commit().await?;
        Ok(queue)
    }

    pub(crate) async fn resume_queue(
        &self,
        allow: &Allow<WriteQueues>,
        name: &str,
    ) -> Result<QueueState, Error> {
        let mut tx = self.0.platform.db.begin().await?;
        let queue = self.0.platform.jobs.resume(&mut tx, name).await?;
        self.record(&mut tx, allow, "admin.queue-resumed", name, json!({})).await?;
        tx.commit().await?;
        Ok(queue)
    }
}
