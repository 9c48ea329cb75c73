mod production;
mod show;

pub(crate) use show::show;

use std::path::PathBuf;

use config::{Draft, Faults, Loaded, Source};
use platform::{HttpConfig, Role};
use serde::{Deserialize, Serialize};

/// All settings: one section for the server, one for each shared part, one for each module.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) server: Server,
    pub(crate) secrets: secrets::Config,
    pub(crate) log: telemetry::Config,
    pub(crate) traces: telemetry::TracesConfig,
    pub(crate) http: HttpConfig,
    pub(crate) database: db::Config,
    pub(crate) redis: redislink::Config,
    pub(crate) storage: storage::Config,
    pub(crate) cache: cache::Config,
    pub(crate) limits: limits::Config,
    pub(crate) outbound: outbound::Config,
    pub(crate) jobs: jobs::Config,
    pub(crate) realtime: realtime::Config,
    pub(crate) identity: identity::Config,
    pub(crate) mail: notifications::MailConfig,
    pub(crate) notifications: notifications::Config,
    pub(crate) surveillance: surveillance::Config,
    pub(crate) ml: ml::Config,
    /// What one may start with, but should know.
    #[serde(skip)]
    pub(crate) warnings: Vec<String>,
}

/// Section `[server]`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Server {
    /// `development`, or `production`: then what is unsafe in public (plain HTTP, wildcard CORS, debug logging, short
    /// secrets) stops the start, where it is only warned of otherwise. Default `development`.
    pub(crate) mode: Mode,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    #[default]
    Development,
    Production,
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
            mode: Mode::default(),
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
    /// From the file, `.env`, the environment and the flags of the command line; secrets from where they stand.
    pub(crate) async fn load(
        file: Option<PathBuf>,
        flags: Vec<(String, String)>,
    ) -> Result<Loaded<Self>, config::Error> {
        let mut draft = Draft::read::<Self>(&Source::of_process(file, flags))?;
        fetch(&mut draft).await;
        let mut loaded = draft.finish(Self::validate)?;
        loaded.settings.warnings = loaded.warnings.iter().map(ToString::to_string).collect();
        loaded.settings.prepare();
        Ok(loaded)
    }

    /// What follows from other settings.
    fn prepare(&mut self) {
        let is_https = self.server.public_url.starts_with("https://");
        self.identity.cookie_secure |= self.server.mode == Mode::Production && is_https;
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
            ("secrets", self.secrets.validate()),
            ("database", self.database.validate()),
            ("redis", self.redis.validate()),
            ("traces", self.traces.validate()),
            ("outbound", self.outbound.validate()),
            ("cache", self.cache.validate()),
            ("limits", self.limits.validate()),
            ("jobs", self.jobs.validate()),
            ("realtime", self.realtime.validate()),
            ("identity", self.identity.validate()),
            ("mail", self.mail.validate()),
            ("notifications", self.notifications.validate()),
            ("surveillance", self.surveillance.validate()),
            ("ml", self.ml.validate()),
        ];
        for (section, reasons) in sections {
            for reason in reasons {
                // A section says `section.key: reason`, `section.key reason`, or only `key: reason`.
                let prefix = format!("{section}.");
                let parts = if reason.starts_with(&prefix) {
                    reason
                        .split_once(": ")
                        .filter(|(setting, _)| !setting.contains(' '))
                        .or_else(|| reason.split_once(' '))
                } else {
                    reason.split_once(": ")
                };
                match parts {
                    Some((setting, reason)) if setting.starts_with(&prefix) => faults.add(setting, reason),
                    Some((key, reason)) if !key.contains(' ') => faults.add(format!("{prefix}{key}"), reason),
                    _ => faults.add(section, reason),
                }
            }
        }
        production::check(self, faults);
    }
}

/// Secrets that stand in Vault.
async fn fetch(draft: &mut Draft) {
    let wanted = draft.wanted().to_vec();
    if wanted.is_empty() {
        return;
    }
    let config: secrets::Config = draft.section("secrets").unwrap_or_default();
    let mut vault =
        secrets::Vault::open(&config.or_from(|name| draft.variable_value(name).map(str::to_owned)));
    for wanted in wanted {
        let fetched = match &mut vault {
            Ok(vault) => vault.get(&wanted.mount, &wanted.path, &wanted.key).await,
            Err(error) => Err(error.clone()),
        };
        draft.supply(&wanted.setting, fetched.map_err(|error| (error.reason, error.hint)));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use config::Shape;
    use toml::{Table, Value};

    use super::*;

    const DOCS: &str = include_str!("../../docs/config.md");
    const SCHEMA: &str = include_str!("../../docs/config.schema.json");
    const EXAMPLE: &str = include_str!("../../socle.example.toml");

    /// `section.key` to unit and default, as the reference tells them.
    fn documented() -> BTreeMap<String, (String, String)> {
        let mut found = BTreeMap::new();
        let mut section = "";
        for line in DOCS.lines() {
            if let Some(name) = line.strip_prefix("## `[") {
                section = name.trim_start_matches('[').split(']').next().unwrap();
            } else if let Some(row) = line.strip_prefix("| `") {
                let row = row.replace("\\|", "¦");
                let cells: Vec<_> = row.split(" | ").collect();
                let name = format!("{section}.{}", cells[0].trim_end_matches('`'));
                found.insert(name, (cells[2].to_owned(), cells[3].to_owned()));
            }
        }
        found
    }

    /// Every place that takes a value, without the signs for items and entries.
    fn places() -> Vec<String> {
        let places = Shape::of::<Settings>()
            .places()
            .into_iter()
            .map(|(place, _)| place.replace("[]", "").trim_end_matches(".*").to_owned());
        places.collect()
    }

    #[test]
    fn every_setting_is_documented_with_unit_and_real_default() {
        let documented = documented();
        let defaults = Value::Table(Table::try_from(Settings::default()).unwrap());
        let places = places();
        for place in &places {
            let Some((unit, told)) = documented.get(place) else {
                panic!(
                    "{place} is missing in docs/config.md: its struct's doc must say Section `[name]`. (`[[name]]` for a list)"
                )
            };
            for (end, expected) in
                [("_ms", "ms"), ("_s", "s"), ("_h", "h"), ("_days", "days"), ("_bytes_max", "bytes")]
            {
                assert!(
                    !place.ends_with(end) || unit == expected,
                    "{place}: its unit is {expected}, not {unit:?}"
                );
            }
            assert!(!told.is_empty(), "{place} tells no default");
            let real = place.split('.').try_fold(&defaults, |found, part| found.get(part));
            // Items of lists have no default of their own place.
            let Some(real) = real else { continue };
            let literal = told.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
            let told = match literal.filter(|literal| !literal.contains('`')) {
                Some(literal) => literal,
                None if told == "empty" => "\"\"",
                None => continue,
            };
            let told = format!("x = {told}").parse::<Table>().unwrap()["x"].clone();
            let same = match (&told, real) {
                (Value::Integer(told), Value::Float(real)) => *told as f64 == *real,
                (told, real) => told == real,
            };
            assert!(same, "{place}: the doc says {told}, and it is {real}");
        }
        for name in documented.keys() {
            // A list of tables has a row of its own, and its items have a section.
            let is_read = |place: &String| place == name || place.starts_with(&format!("{name}."));
            assert!(places.iter().any(is_read), "docs/config.md has {name}, which nothing reads");
        }
    }

    #[test]
    fn the_schema_has_every_setting_and_no_other() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        for place in places() {
            let mut found = &schema;
            for part in place.split('.') {
                let items = &found["items"];
                found = if items["properties"].is_object() {
                    &items["properties"][part]
                } else {
                    &found["properties"][part]
                };
                assert!(found.is_object(), "{place} is missing in docs/config.schema.json");
            }
        }
        assert_eq!(schema["additionalProperties"], false);
    }

    #[test]
    fn the_example_says_what_holds_anyway() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let given = |line: &str| {
            line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line).to_owned()
        };
        let text: Vec<_> = EXAMPLE.lines().map(given).collect();
        std::fs::write(file.path(), text.join("\n")).unwrap();
        let source = Source { file: Some(file.path().to_owned()), ..Source::default() };
        let loaded = Draft::read::<Settings>(&source).unwrap().finish(Settings::validate).unwrap();
        assert!(loaded.given("server.listen").is_some());
        let values = |settings| Table::try_from(settings).unwrap();
        assert_eq!(values(loaded.settings), values(Settings::default()));
    }
}
