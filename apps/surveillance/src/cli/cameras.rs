use anyhow::{Context as _, bail};
use clap::{Arg, ArgMatches, value_parser};
use serde_json::json;
use web::PageQuery;

use super::{allow, flag, of_workspace, say, told, workspace};
use crate::{
    permissions::{ReadCameras, WriteCameras},
    service::Sentinel,
};

pub(super) fn shape() -> clap::Command {
    let file = || Arg::new("file").value_name("FILE").value_parser(value_parser!(std::path::PathBuf));
    of_workspace("cameras", "Cameras: list, import and export cameras.yaml")
        .subcommand(clap::Command::new("list").about("List the cameras of a workspace"))
        .subcommand(
            clap::Command::new("import")
                .about("Add and change cameras by a cameras.yaml; those that it does not name stay")
                .arg(file().required(true)),
        )
        .subcommand(
            clap::Command::new("export")
                .about("Write cameras.yaml, credentials hidden")
                .arg(file().help("Default: standard output")),
        )
}

pub(super) async fn run(sentinel: Sentinel, matches: ArgMatches) -> anyhow::Result<()> {
    let (name, matches) = matches.subcommand().context("which of list, import, export?")?;
    let workspace = workspace(&sentinel, matches).await?;
    let file = || matches.get_one::<std::path::PathBuf>("file");
    let as_json = flag(matches, "json");
    match name {
        "list" => {
            let allow = allow::<ReadCameras>(&sentinel, workspace);
            for page in 1.. {
                let found = sentinel
                    .list_cameras(&allow, PageQuery { page, page_size: 100 }, false)
                    .await
                    .map_err(told)?;
                for (camera, _) in &found.items {
                    let source = camera.draft.source.shown();
                    if as_json {
                        let zones = camera.zones.len();
                        let row = json!({ "id": camera.id, "name": camera.name(), "url": source, "enabled": camera.draft.enabled, "fps": camera.draft.fps, "zones": zones });
                        say(&row.to_string())?;
                    } else {
                        let state = if camera.draft.enabled { "on" } else { "off" };
                        say(&format!("{}  {:3}  {}  {source}", camera.id, state, camera.name()))?;
                    }
                }
                if u64::from(page) >= found.total_pages {
                    break;
                }
            }
            Ok(())
        }
        "import" => {
            let path = file().context("which file?")?;
            let text = tokio::fs::read_to_string(path)
                .await
                .with_context(|| format!("{} cannot be read", path.display()))?;
            let allow = allow::<WriteCameras>(&sentinel, workspace);
            let done = sentinel.import_cameras(&allow, &text).await.map_err(told)?;
            if as_json {
                return say(
                    &json!({ "created": done.created, "updated": done.updated, "unchanged": done.unchanged })
                        .to_string(),
                );
            }
            say(&format!("{} created, {} updated, {} unchanged", done.created, done.updated, done.unchanged))
        }
        "export" => {
            let text =
                sentinel.export_cameras(&allow::<ReadCameras>(&sentinel, workspace)).await.map_err(told)?;
            match file() {
                Some(path) => tokio::fs::write(path, text)
                    .await
                    .with_context(|| format!("{} cannot be written", path.display())),
                None => say(text.trim_end()),
            }
        }
        other => bail!("there is no command cameras {other}"),
    }
}
