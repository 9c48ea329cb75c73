//! `socle jobs …` and `socle schedule …`: long work, and work that comes by itself.

use super::quiet_platform;
use crate::{boot::Schema, settings::Settings};

pub(crate) async fn run_jobs(
    command: admin::JobsCommand,
    settings: Settings,
    json: bool,
) -> anyhow::Result<()> {
    let (platform, _) = quiet_platform(&settings, Schema::Ready).await?;
    admin::run_jobs_command(command, json, &platform.db, &platform.jobs).await?;
    wake_up(&platform).await;
    Ok(())
}

pub(crate) async fn run_schedule(
    command: admin::ScheduleCommand,
    settings: Settings,
    json: bool,
) -> anyhow::Result<()> {
    let (platform, built) = quiet_platform(&settings, Schema::Ready).await?;
    platform.jobs.declare(built.parts.into_iter().flat_map(|part| part.schedules).collect());
    admin::run_schedule_command(command, json, &platform.db, &platform.jobs, &*platform.clock).await?;
    wake_up(&platform).await;
    Ok(())
}

/// The workers of a running server look by themselves within moments; on PostgreSQL they can be told.
async fn wake_up(platform: &platform::Platform) {
    platform.jobs.wake_others_now().await;
    platform.db.close().await;
}
