//! `socle openapi`: the description of the API.

use super::{quiet_platform, say};
use crate::{
    boot::{self, Schema},
    console, modules,
    settings::{Server, Settings},
};

/// Prints what `/openapi.json` answers, from modules on an empty database in memory of a temporary folder.
pub(crate) async fn print_openapi() -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("socle-openapi-{}", std::process::id()));
    let settings =
        Settings { server: Server { data: folder.clone(), ..Default::default() }, ..Settings::default() };
    boot::data_folder(&folder)?;
    let (platform, built) = quiet_platform(&settings, Schema::New).await?;
    let assembled = platform::assemble(
        &platform,
        &settings.http,
        built.identity.authenticator(),
        built.parts,
        modules::aliases(),
        console::pages(),
    );
    let text = assembled.openapi.to_pretty_json()?;
    platform.db.close().await;
    drop(std::fs::remove_dir_all(&folder));
    say(&text)
}
