//! `socle doctor`: tries everything that the server stands on.

use anyhow::bail;

use super::{quiet_platform, say};
use crate::{boot, settings::Settings};

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
    match quiet_platform(&settings).await {
        Err(error) => check("database", Err(format!("{error:#}")))?,
        Ok((platform, built)) => {
            check("database", Ok(format!("{}, schema up to date", platform.db.engine().name())))?;
            let stored = platform.storage.ping().await;
            check(
                "file store",
                stored.map(|()| platform.storage.place().to_owned()).map_err(|error| error.to_string()),
            )?;
            for part in &built.parts {
                for component in &part.checks {
                    check(component.name, component.run().await)?;
                }
            }
        }
    }
    if faults == 0 { Ok(()) } else { bail!("{faults} of these need attention") }
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
