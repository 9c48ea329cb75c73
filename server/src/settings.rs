use std::path::PathBuf;

use config::Faults;
use kernel::Secret;
use platform::{HttpConfig, Role};
use serde::{Deserialize, Serialize};

/// All settings: one section for the server, one for each shared part, one for each module.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) server: Server,
    pub(crate) log: telemetry::Config,
    pub(crate) http: HttpConfig,
    pub(crate) database: db::Config,
    pub(crate) redis: redislink::Config,
    pub(crate) storage: storage::Config,
    pub(crate) cache: cache::Config,
    pub(crate) outbound: outbound::Config,
    pub(crate) jobs: jobs::Config,
    pub(crate) realtime: realtime::Config,
    pub(crate) identity: identity::Config,
    pub(crate) mail: notifications::MailConfig,
    pub(crate) notifications: notifications::Config,
    pub(crate) surveillance: surveillance::Config,
}

/// Section `[server]`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Server {
    /// Address and port to listen on. Default `127.0.0.1:8000`.
    pub(crate) listen: String,
    /// The data folder: database, files, secrets. Default `data`.
    pub(crate) data: PathBuf,
    /// What this process does: any of `web`, `worker`, `camera`. Default all.
    pub(crate) roles: Roles,
    /// Under which address people reach this server, for links: `https://socle.example.org`. Default: the listen address.
    pub(crate) public_url: String,
    /// How long a stopping server lets requests and jobs end, in seconds. Default 8.
    pub(crate) shutdown_s: u64,
}

/// A list, or a text with commas.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum Roles {
    Text(String),
    List(Vec<String>),
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8000".to_owned(),
            data: PathBuf::from("data"),
            roles: Roles::Text("web,worker,camera".to_owned()),
            public_url: String::new(),
            shutdown_s: 8,
        }
    }
}

impl Roles {
    fn names(&self) -> Vec<&str> {
        match self {
            Self::Text(text) => text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect(),
            Self::List(names) => names.iter().map(String::as_str).collect(),
        }
    }

    /// Checked by [`Settings::validate`]: what is unknown is left out here.
    pub(crate) fn roles(&self) -> Vec<Role> {
        self.names().into_iter().filter_map(Role::parse).collect()
    }
}

impl Settings {
    /// From the file, the environment and the flags of the command line.
    pub(crate) fn load(file: Option<PathBuf>, flags: Vec<(String, String)>) -> Result<Self, config::Error> {
        let default = PathBuf::from("socle.toml");
        let file = file.or_else(|| default.exists().then_some(default));
        let environment = std::env::vars()
            .filter(|(name, value)| name.starts_with("SOCLE_") && !value.is_empty())
            .collect();
        config::load(&config::Source { file, environment, flags }, Self::validate)
    }

    fn validate(&self, faults: &mut Faults) {
        let names = self.server.roles.names();
        faults.require(!names.is_empty(), "server.roles", "must name at least one of web, worker, camera");
        for name in names {
            faults.require(
                Role::parse(name).is_some(),
                "server.roles",
                &format!("{name:?} is none of web, worker, camera"),
            );
        }
        let port = self.server.listen.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        faults.require(
            port.is_some(),
            "server.listen",
            "must be an address and a port, such as 127.0.0.1:8000",
        );
        faults.require(
            (1..=300).contains(&self.server.shutdown_s),
            "server.shutdown_s",
            "must be from 1 to 300",
        );
        let url = &self.server.public_url;
        let plain = url.is_empty() || url.starts_with("http://") || url.starts_with("https://");
        faults.require(plain, "server.public_url", "must begin with http:// or https://");
        if let Err(error) = telemetry::check_filter(&self.log.filter) {
            faults.add("log.filter", error);
        }
        for (setting, reason) in self.http.validate() {
            faults.add(setting, reason);
        }
        let sections = [
            ("database", self.database.validate()),
            ("redis", self.redis.validate()),
            ("outbound", self.outbound.validate()),
            ("jobs", self.jobs.validate()),
            ("realtime", self.realtime.validate()),
            ("identity", self.identity.validate()),
            ("mail", self.mail.validate()),
            ("notifications", self.notifications.validate()),
            ("surveillance", self.surveillance.validate()),
        ];
        for (section, reasons) in sections {
            for reason in reasons {
                // A section says `section.key: reason`, or only `key: reason`.
                let prefix = format!("{section}.");
                match reason.split_once(": ") {
                    Some((setting, reason)) if setting.starts_with(&prefix) => faults.add(setting, reason),
                    Some((key, reason)) => faults.add(format!("{prefix}{key}"), reason),
                    None => faults.add(section, reason),
                }
            }
        }
    }

    /// A few lines of what is in force, without secrets.
    pub(crate) fn summary(&self) -> Vec<(&'static str, String)> {
        let shown = |secret: &Secret<String>, default: &str| {
            if secret.expose().is_empty() { default.to_owned() } else { "(set)".to_owned() }
        };
        vec![
            ("server.listen", self.server.listen.clone()),
            ("server.data", self.server.data.display().to_string()),
            ("server.roles", self.server.roles.names().join(",")),
            ("database.url", shown(&self.database.url, "(SQLite in the data folder)")),
            ("redis.url", shown(&self.redis.url, "(none: this process keeps to itself)")),
            (
                "storage.url",
                if self.storage.url.is_empty() {
                    "(folder in the data folder)".to_owned()
                } else {
                    self.storage.url.clone()
                },
            ),
            ("log.filter", self.log.filter.clone()),
        ]
    }
}
