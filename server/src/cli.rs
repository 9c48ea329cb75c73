use std::path::PathBuf;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::{commands, modules, serve, settings::Settings};

/// The back-end of AI applications in one binary.
#[derive(Debug, Parser)]
#[command(name = "socle", version, propagate_version = true, arg_required_else_help = true)]
#[command(
    after_help = "Examples:\n  socle serve\n  socle serve --listen 0.0.0.0:8000 --data /var/lib/socle\n  \
    socle user create --email me@example.org --role admin --password-stdin\n  \
    socle analyze video.mp4 --model yolox_nano.onnx --zones zones.yaml"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Settings that every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Settings file; `socle.toml` in this folder is read when there is one.
    #[arg(long, global = true, value_name = "FILE", env = "SOCLE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Data folder [default: data].
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// Print JSON, for scripts.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the server.
    Serve {
        /// Address and port [default: 127.0.0.1:8000].
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Option<String>,
        /// What this process does: any of web,worker,camera [default: all].
        #[arg(long, value_name = "ROLES")]
        roles: Option<String>,
    },
    /// Look at the database schema, and change it.
    #[command(subcommand)]
    Db(commands::DbCommand),
    /// Look at long work, and steer it.
    #[command(subcommand)]
    Jobs(admin::JobsCommand),
    /// Look at work that comes by itself, and steer it.
    #[command(subcommand)]
    Schedule(admin::ScheduleCommand),
    /// Look at the settings that can be changed while the server runs, and change them.
    #[command(subcommand)]
    Settings(admin::SettingsCommand),
    /// Look into the cache that nodes share, and empty it.
    #[command(subcommand)]
    Cache(admin::CacheCommand),
    /// Look at the settings of socle.toml, the environment and the command line.
    #[command(subcommand)]
    Config(commands::ConfigCommand),
    /// Sign in to a server, here or elsewhere, by a code that is typed in a browser.
    Login {
        /// The server's address [default: that of the last log-in, else http://127.0.0.1:8000].
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
    /// Sign out of a server, and forget its tokens.
    Logout {
        /// The server's address [default: that of the last log-in].
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
    /// Tell who is signed in.
    Whoami {
        /// The server's address [default: that of the last log-in].
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
    /// Send one request to the API as who is signed in.
    Api {
        /// GET, POST, PUT, PATCH or DELETE.
        method: String,
        /// Such as /api/v1/users.
        path: String,
        /// The body, as JSON; @FILE for a file, - for standard input.
        #[arg(short, long, value_name = "JSON")]
        data: Option<String>,
        /// The server's address [default: that of the last log-in].
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
    /// Try everything that the server stands on: settings, data folder, database, file store, ffmpeg.
    Doctor,
    /// Print the OpenAPI description.
    Openapi,
    /// Print the completion script of a shell.
    Completions { shell: clap_complete::Shell },
}

/// Parses the command line, which holds the server's own commands and those of the modules, and runs it.
pub(crate) async fn run() -> anyhow::Result<()> {
    let mut parser = Cli::command().subcommand(surveillance::analyze_command());
    for manifest in modules::MANIFESTS {
        for command in manifest.commands {
            parser = parser.subcommand(command());
        }
    }
    let matches = parser.clone().get_matches();
    let (name, inner) = matches.subcommand().unwrap_or(("", &matches));
    if name == "analyze" {
        // Works on files alone: no settings, no database.
        return surveillance::analyze(inner.clone()).await;
    }
    let of_module = modules::MANIFESTS
        .iter()
        .any(|manifest| manifest.commands.iter().any(|command| command().get_name() == name));
    if of_module {
        let common = Common::from_arg_matches(inner).or_else(|_| Common::from_arg_matches(&matches))?;
        return commands::run_of_module(common, name, inner).await;
    }
    let cli = Cli::from_arg_matches(&matches)?;
    let common = cli.common;
    match cli.command {
        Command::Serve { listen, roles } => {
            let flags = [("server.listen", listen), ("server.roles", roles)];
            serve::serve(settings(&common, flags).await?).await
        }
        Command::Db(command) => commands::run_db(command, settings(&common, []).await?, common.json).await,
        Command::Jobs(command) => {
            commands::run_jobs(command, settings(&common, []).await?, common.json).await
        }
        Command::Schedule(command) => {
            commands::run_schedule(command, settings(&common, []).await?, common.json).await
        }
        Command::Settings(command) => {
            commands::run_settings(command, settings(&common, []).await?, common.json).await
        }
        Command::Cache(command) => {
            commands::run_cache(command, settings(&common, []).await?, common.json).await
        }
        Command::Config(command) => commands::run_config(command, &common).await,
        Command::Login { url } => commands::run_login(url, common.json).await,
        Command::Logout { url } => commands::run_logout(url).await,
        Command::Whoami { url } => commands::run_whoami(url, common.json).await,
        Command::Api { method, path, data, url } => commands::run_api(url, &method, &path, data).await,
        Command::Doctor => commands::run_doctor(settings(&common, []).await?).await,
        Command::Openapi => commands::print_openapi().await,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut parser, "socle", &mut std::io::stdout());
            Ok(())
        }
    }
}

/// The settings with the command line's own on top.
pub(crate) async fn settings(
    common: &Common,
    flags: impl IntoIterator<Item = (&'static str, Option<String>)>,
) -> anyhow::Result<Settings> {
    Ok(load(common, flags).await?.settings)
}

/// The same, with where each comes from.
pub(crate) async fn load(
    common: &Common,
    flags: impl IntoIterator<Item = (&'static str, Option<String>)>,
) -> Result<config::Loaded<Settings>, config::Error> {
    let data = common.data.as_ref().map(|path| path.display().to_string());
    let flags = flags
        .into_iter()
        .chain([("server.data", data)])
        .filter_map(|(setting, value)| Some((setting.to_owned(), value?)))
        .collect();
    Settings::load(common.config.clone(), flags).await
}
