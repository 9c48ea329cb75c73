//! `socle jobs …`: long work.

use anyhow::Context as _;

use super::quiet_platform;
use crate::settings::Settings;

pub(crate) async fn run_jobs(
    command: admin::JobsCommand,
    settings: Settings,
    json: bool,
) -> anyhow::Result<()> {
    let (platform, built) = quiet_platform(&settings).await?;
    let workspace = built
        .identity
        .default_workspace()
        .await?
        .context("there is no workspace yet: create the first user")?;
    admin::run_jobs_command(command, json, &platform.db, &platform.jobs, workspace).await?;
    platform.db.close().await;
    Ok(())
}
