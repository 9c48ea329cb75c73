use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use clap::{Arg, ArgMatches, value_parser};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use web::PageQuery;

use super::{allow, flag, of_workspace, say, told, workspace};
use crate::{
    model::DetectionModel,
    permissions::{ReadCameras, WriteModels},
    service::{ModelFile, Sentinel, read_model_file},
};

pub(super) fn shape() -> clap::Command {
    let name = || Arg::new("name").long("name").value_name("NAME").help("Default: the file's name");
    let detection = || {
        Arg::new("detection")
            .long("detection")
            .value_name("YAML")
            .value_parser(value_parser!(PathBuf))
            .help("Declaration of the model [default: a detection.yaml beside a local file]")
    };
    of_workspace("models", "Detection models: list, add, pull, verify")
        .subcommand(clap::Command::new("list").about("List the models of a workspace"))
        .subcommand(
            clap::Command::new("add")
                .about("Take in a model from a file, after a trial run")
                .arg(Arg::new("path").value_name("PATH").required(true).value_parser(value_parser!(PathBuf)))
                .arg(name())
                .arg(detection()),
        )
        .subcommand(
            clap::Command::new("pull")
                .about("Take in a model from an address, if its checksum is the one expected")
                .arg(Arg::new("url").value_name("URL").required(true))
                .arg(Arg::new("sha256").long("sha256").value_name("HEX").required(true))
                .arg(name())
                .arg(detection()),
        )
        .subcommand(clap::Command::new("verify").about("Compare every model with its checksum, and try it"))
}

pub(super) async fn run(sentinel: Sentinel, matches: ArgMatches) -> anyhow::Result<()> {
    let (name, matches) = matches.subcommand().context("which of list, add, pull, verify?")?;
    let workspace = workspace(&sentinel, matches).await?;
    let as_json = flag(matches, "json");
    match name {
        "list" => {
            let allow = allow::<ReadCameras>(&sentinel, workspace);
            for page in 1.. {
                let found =
                    sentinel.list_models(&allow, PageQuery { page, page_size: 100 }).await.map_err(told)?;
                found.items.iter().try_for_each(|model| show(model, as_json))?;
                if u64::from(page) >= found.total_pages {
                    break;
                }
            }
            Ok(())
        }
        "add" => {
            let path = matches.get_one::<PathBuf>("path").context("which file?")?;
            let file =
                read_model_file(path).await.with_context(|| format!("{} cannot be read", path.display()))?;
            let file = with_flags(file, matches).await?;
            show(
                &sentinel.add_model(&allow::<WriteModels>(&sentinel, workspace), file).await.map_err(told)?,
                as_json,
            )
        }
        "pull" => {
            let file = with_flags(download(&sentinel, matches).await?, matches).await?;
            show(
                &sentinel.add_model(&allow::<WriteModels>(&sentinel, workspace), file).await.map_err(told)?,
                as_json,
            )
        }
        "verify" => {
            let mut wrong = 0;
            for (model, outcome) in sentinel.verify_models(workspace).await.map_err(told)? {
                let fault = outcome.err();
                wrong += usize::from(fault.is_some());
                if as_json {
                    say(&json!({ "id": model.id, "name": model.name, "sha256": model.sha256, "fault": fault }).to_string())?;
                } else {
                    say(&format!("{}  {}  {}", model.id, fault.as_deref().unwrap_or("fine"), model.name))?;
                }
            }
            ensure!(wrong == 0, "{wrong} of the models cannot be used");
            Ok(())
        }
        other => bail!("there is no command models {other}"),
    }
}

fn show(model: &DetectionModel, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return say(&serde_json::to_string(model)?);
    }
    let mark = if model.active { '*' } else { ' ' };
    let (width, height) = (model.input_width, model.input_height);
    say(&format!(
        "{mark} {}  {}  {} {width}x{height}, {} classes  {}",
        model.id,
        model.sha256,
        model.family,
        model.classes.len(),
        model.name
    ))
}

async fn with_flags(mut file: ModelFile, matches: &ArgMatches) -> anyhow::Result<ModelFile> {
    if let Some(name) = matches.get_one::<String>("name") {
        file.name.clone_from(name);
    }
    if let Some(path) = matches.get_one::<PathBuf>("detection") {
        let text = tokio::fs::read_to_string(path)
            .await
            .with_context(|| format!("{} cannot be read", path.display()))?;
        file.declaration = Some(text);
    }
    Ok(file)
}

/// Whoever sits at the machine may fetch from anywhere; the checksum says whether it is what they meant.
async fn download(sentinel: &Sentinel, matches: &ArgMatches) -> anyhow::Result<ModelFile> {
    let text = matches.get_one::<String>("url").context("which address?")?;
    let mut url = url::Url::parse(text).with_context(|| format!("{text:?} is not an address"))?;
    ensure!(["http", "https"].contains(&url.scheme()), "the address must begin with https:// or http://");
    let expected = matches.get_one::<String>("sha256").context("which checksum?")?.to_ascii_lowercase();
    let max = sentinel.config.model_bytes_max;
    let upstream = sentinel.outbound.to("models").with(|policy| {
        policy.private_allowed = true;
        policy.bytes_max = max;
        // From piece to piece of a large file, over a slow line.
        policy.timeout = std::time::Duration::from_secs(30);
        policy.total_timeout = std::time::Duration::from_secs(60);
    });
    let mut answer = upstream.get(&url).open().await?.success()?;
    let total = answer.length().filter(|length| *length <= max);
    let progress = super::analyze::progress(total, "{bar:40} {bytes}/{total_bytes}");
    let mut bytes = Vec::new();
    while let Some(piece) = answer
        .next()
        .await
        .context("the model could not be fetched (surveillance.model_bytes_max bounds its size)")?
    {
        bytes.extend_from_slice(&piece);
        progress.set_position(bytes.len() as u64);
    }
    progress.finish_and_clear();
    let found = hex::encode(Sha256::digest(&bytes));
    ensure!(found == expected, "the checksum is {found}, not {expected}: nothing was taken in");
    let name = url
        .path_segments()
        .and_then(|mut parts| parts.next_back())
        .unwrap_or("")
        .trim_end_matches(".onnx")
        .to_owned();
    let name = if name.is_empty() { "model".to_owned() } else { name };
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    Ok(ModelFile { name, bytes, declaration: None, source: url.to_string() })
}
