//! `socle settings …`: the settings that can be changed while the server runs.

use anyhow::Context as _;

use super::quiet_platform;
use crate::{boot::Schema, settings::Settings};

pub(crate) async fn run_settings(
    command: admin::SettingsCommand,
    settings: Settings,
    json: bool,
) -> anyhow::Result<()> {
    let (platform, built) = quiet_platform(&settings, Schema::Ready).await?;
    let workspace = built
        .identity
        .default_workspace()
        .await?
        .context("there is no workspace yet: create the first user")?;
    let ctx = kernel::Ctx::system("command line", workspace, platform.clock.now());
    admin::run_settings_command(command, json, &platform.settings, &ctx).await?;
    platform.db.close().await;
    Ok(())
}
