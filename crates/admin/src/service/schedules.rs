use jobs::{CatchUp, Run, ScheduleChange, ScheduleRunId, ScheduleState};
use kernel::{Allow, TaskId};
use serde_json::json;

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
        let detail = json!({
            "cron": change.cron,
            "time_zone": change.time_zone,
            "catch_up": change.catch_up.map(CatchUp::name),
            "is_paused": change.is_paused,
        });
        self.record(&mut tx, allow, "admin.schedule-changed", name, detail).await?;
        tx.commit().await?;
        Ok(state)
    }

    pub(crate) async fn reset_schedule(
        &self,
        allow: &Allow<WriteSchedules>,
        name: &str,
    ) -> Result<ScheduleState, Error> {
        let mut tx = self.0.platform.db.begin().await?;
        let state = self.0.platform.jobs.schedules().reset(&mut tx, name).await?;
        self.record(&mut tx, allow, "admin.schedule-reset", name, json!({})).await?;
        tx.commit().await?;
        Ok(state)
    }

    pub(crate) async fn run_schedule(
        &self,
        allow: &Allow<WriteSchedules>,
        name: &str,
    ) -> Result<TaskId, Error> {
        let mut tx = self.0.platform.db.begin().await?;
        let task = self.0.platform.jobs.schedules().run_now(&mut tx, allow, name).await?;
        self.record(&mut tx, allow, "admin.schedule-run", name, json!({ "task": task })).await?;
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
