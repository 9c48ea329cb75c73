use jobs::{Run, ScheduleChange, ScheduleRunId, ScheduleState};
use kernel::{Allow, TaskId};

use super::Admin;
use crate::{
    error::Error,
    permissions::{ReadSchedules, WriteSchedules},
};

impl Admin {
    pub(crate) async fn schedules(&self, _: &Allow<ReadSchedules>) -> Result<Vec<ScheduleState>, Error> {
        let mut tx = self.0.platform.db.read().await?;
        Ok(self.0.platform.jobs.schedules().list(&mut tx).await?)
    }

    pub(crate) async fn schedule(
        &self,
        _: &Allow<ReadSchedules>,
        name: &str,
    ) -> Result<ScheduleState, Error> {
        let mut tx = self.0.platform.db.read().await?;
        Ok(self.0.platform.jobs.schedules().get(&mut tx, name).await?)
    }

    pub(crate) async fn change_schedule(
        &self,
        allow: &Allow<WriteSchedules>,
        name: &str,
        change: &ScheduleChange,
    ) -> Result<ScheduleState, Error> {
        let mut tx = self.0.platform.db.begin().await?;
        let state = self.0.platform.jobs.schedules().change(&mut tx, name, change).await?;
        tx.commit().await?;
        tracing::info!(schedule = name, actor = %allow.actor, ?change, "schedule changed");
        Ok(state)
    }

    pub(crate) async fn reset_schedule(
        &self,
        allow: &Allow<WriteSchedules>,
        name: &str,
    ) -> Result<ScheduleState, Error> {
        let mut tx = self.0.platform.db.begin().await?;
        let state = self.0.platform.jobs.schedules().reset(&mut tx, name).await?;
        tx.commit().await?;
        tracing::info!(schedule = name, actor = %allow.actor, "schedule reset");
        Ok(state)
    }

    pub(crate) async fn run_schedule(
        &self,
        allow: &Allow<WriteSchedules>,
        name: &str,
    ) -> Result<TaskId, Error> {
        let mut tx = self.0.platform.db.begin().await?;
        let task = self.0.platform.jobs.schedules().run_now(&mut tx, allow, name).await?;
        tx.commit().await?;
        Ok(task)
    }

    /// Up to `limit` and one more.
    pub(crate) async fn schedule_runs(
        &self,
        _: &Allow<ReadSchedules>,
        name: &str,
        before: Option<ScheduleRunId>,
        limit: u32,
    ) -> Result<Vec<Run>, Error> {
        let mut tx = self.0.platform.db.read().await?;
        Ok(self.0.platform.jobs.schedules().runs(&mut tx, name, before, limit).await?)
    }
}
