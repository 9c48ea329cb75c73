//! `socle doctor`: tries everything that the server stands on.

use anyhow::bail;

use platform::Platform;
use storage::Storage;

use super::{quiet_platform, say};
use crate::{
    boot::{self, Schema},
    modules,
    settings::Settings,
};

pub(crate) async fn run_doctor(settings: Settings) -> anyhow::Result<()> {
    let mut faults = 0;
    let mut check = |name: &str, outcome: Result<String, String>| {
        let (mark, detail) = match outcome {
            Ok(detail) => ("ok  ", detail),
            Err(detail) => {
                faults += 1;
                ("BAD ", detail)
            }
        };
        say(&format!("{mark} {name:<12} {detail}"))
    };
    check("settings", Ok("read".to_owned()))?;
    let folder =
        boot::data_folder(&settings.server.data).map(|()| settings.server.data.display().to_string());
    check("data folder", folder.map_err(|error| format!("{error:#}")))?;
    check("ffmpeg", ffmpeg_version(&settings.surveillance.ffmpeg))?;
    match database(&settings).await {
        Err(error) => check("database", Err(format!("{error:#}")))?,
        Ok(Database::New(place)) => {
            check("database", Ok(format!("none yet at {place}: `socle serve` makes it")))?;
            check(
                "file store",
                file_store(Storage::open(&settings.storage, settings.server.data.join("files"))).await,
            )?;
        }
        Ok(Database::Ready(platform, built)) => {
            check("database", Ok(format!("{}, schema up to date", platform.db.engine().name())))?;
            check("file store", file_store(Ok(platform.storage.clone())).await)?;
            for part in &built.parts {
                for component in &part.checks {
                    check(component.name, component.run().await)?;
                }
            }
            platform.db.close().await;
        }
    }
    if faults == 0 { Ok(()) } else { bail!("{faults} of these need attention") }
}

enum Database {
    /// Nothing is there, as before the first start. Where it will be.
    New(String),
    Ready(Box<Platform>, modules::Built),
}

async fn database(settings: &Settings) -> anyhow::Result<Database> {
    if let Some(file) = boot::missing_database(settings) {
        return Ok(Database::New(file.display().to_string()));
    }
    let db = boot::open_existing_database(settings).await?;
    let is_new = boot::migrator(&db)?.state(&db).await?.applied.is_empty();
    db.close().await;
    if is_new {
        return Ok(Database::New("the configured place, which is empty".to_owned()));
    }
    let (platform, built) = quiet_platform(settings, Schema::Ready).await?;
    Ok(Database::Ready(Box::new(platform), built))
}

async fn file_store(storage: Result<Storage, storage::Error>) -> Result<String, String> {
    let tried = async {
        let storage = storage?;
        storage.ping().await?;
        Ok(storage.place().to_owned())
    };
    tried.await.map_err(|error: storage::Error| error.to_string())
}

/// What the program says of itself on its first line.
fn ffmpeg_version(program: &std::path::Path) -> Result<String, String> {
    let name = program.display();
    let output = std::process::Command::new(program).arg("-version").output().map_err(|error| {
        format!("{name} does not start ({error}); install ffmpeg, or name it in surveillance.ffmpeg")
    })?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().next().map(str::to_owned).ok_or_else(|| format!("{name} says nothing of its version"))
}
