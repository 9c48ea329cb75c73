//! A small type of settings, read from all sources.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use config::{Draft, Error, Faults, Kind, Loaded, Place, Shape, Source};
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    server: Server,
    limits: Limits,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct Server {
    listen: String,
    workers: u32,
    level: Level,
    proxies: Vec<std::net::IpAddr>,
    queues: BTreeMap<String, u32>,
    key: Hidden,
    ratio: f64,
    is_open: bool,
    nickname: Option<String>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:1".to_owned(),
            workers: 4,
            level: Level::Low,
            proxies: Vec::new(),
            queues: BTreeMap::new(),
            key: Hidden::default(),
            ratio: 0.5,
            is_open: false,
            nickname: None,
        }
    }
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Low,
    High,
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct Limits {
    rules: Vec<Rule>,
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct Rule {
    name: String,
    burst: u16,
}

/// As `kernel::Secret` does it.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Hidden(String);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename = "Secret")]
        struct Newtype(String);
        Newtype::deserialize(deserializer).map(|inner| Self(inner.0))
    }
}

struct Reading {
    folder: tempfile::TempDir,
    source: Source,
}

impl Reading {
    fn new(file: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socle.toml");
        std::fs::write(&path, file).unwrap();
        Self { folder, source: Source { file: Some(path), ..Source::default() } }
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.source.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    fn flag(mut self, name: &str, value: &str) -> Self {
        self.source.flags.push((name.to_owned(), value.to_owned()));
        self
    }

    fn dot_env(mut self, text: &str) -> Self {
        let path = self.folder.path().join(".env");
        std::fs::write(&path, text).unwrap();
        self.source.dot_env = Some(path);
        self
    }

    fn load(&self) -> Result<Loaded<Settings>, Error> {
        let mut draft = Draft::read::<Settings>(&self.source)?;
        for wanted in draft.wanted().to_vec() {
            let fetched = match wanted.path.as_str() {
                "there" => Ok(format!("{}/{}", wanted.mount, wanted.key)),
                _ => Err(("is not there".to_owned(), "look elsewhere".to_owned())),
            };
            draft.supply(&wanted.setting, fetched);
        }
        draft.finish(|settings: &Settings, faults: &mut Faults| {
            faults.require(settings.server.workers < 99, "server.workers", "must be under 99");
            if settings.server.is_open {
                faults.warn("server.is_open", "lets everybody in", "say false");
            }
        })
    }

    /// The settings, or every line of what is wrong.
    #[track_caller]
    fn settings(&self) -> Settings {
        self.load().unwrap_or_else(|error| panic!("{error}")).settings
    }

    #[track_caller]
    fn faults(&self) -> Vec<String> {
        match self.load().unwrap_err() {
            Error::Faults(faults) => {
                let folder = format!("{}/", self.folder.path().display());
                faults.iter().map(|fault| fault.to_string().replace(&folder, "")).collect()
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn the_later_source_wins() {
    let reading = Reading::new("[server]\nlisten = \"file\"\nworkers = 1\nratio = 1\n")
        .dot_env("SOCLE_LISTEN=dotenv\nSOCLE_SERVER__WORKERS=2\nOTHER=\"x y\"\n")
        .variable("SOCLE_SERVER__WORKERS", "3")
        .variable("SOCLE_SERVER__IS_OPEN", "true")
        .flag("server.level", "high");
    let loaded = reading.load().unwrap();
    let server = &loaded.settings.server;
    assert_eq!((server.listen.as_str(), server.workers, &server.level), ("dotenv", 3, &Level::High));
    assert_eq!(loaded.warnings.len(), 1);
    let place = |setting| match loaded.place(setting) {
        Place::File { line, column, .. } => format!("file {line}:{column}"),
        Place::DotEnv { line, name, .. } => format!(".env {line} {name}"),
        other => other.to_string(),
    };
    assert_eq!(place("server.ratio"), "file 4:1");
    assert_eq!(place("server.listen"), ".env 1 SOCLE_LISTEN");
    assert_eq!(place("server.workers"), "variable SOCLE_SERVER__WORKERS");
    assert_eq!(place("server.level"), "--level");
    assert_eq!(place("server.proxies"), "default");
    assert!(std::env::var("OTHER").is_err(), ".env is read, not put into the process");
}

#[test]
fn texts_of_variables_become_what_the_setting_takes() {
    let settings = Reading::new("")
        .variable("SOCLE_LISTEN", "8000")
        .variable("SOCLE_SERVER__NICKNAME", "true")
        .variable("SOCLE_SERVER__PROXIES", "10.0.0.1, 10.0.0.2")
        .variable("SOCLE_SERVER__QUEUES__SLOW", "3")
        .variable("SOCLE_SERVER__KEY", "12345")
        .variable("SOCLE_SERVER__RATIO", "0.25")
        .variable("SOCLE_LIMITS__RULES", "[{ name = \"a\", burst = 2 }]")
        .variable("SOCLE_SERVER__WORKERS", "")
        .variable("SOCLE_TEST_POSTGRES_URL", "x")
        .settings();
    let server = settings.server;
    assert_eq!((server.listen.as_str(), server.nickname.as_deref()), ("8000", Some("true")));
    assert_eq!(
        server.proxies,
        ["10.0.0.1".parse::<std::net::IpAddr>().unwrap(), "10.0.0.2".parse().unwrap()]
    );
    assert_eq!((server.queues["slow"], server.key.0.as_str(), server.ratio), (3, "12345", 0.25));
    assert_eq!((server.workers, settings.limits.rules[0].burst), (4, 2));
}

#[test]
fn every_fault_is_told_with_place_and_hint() {
    let file = "[server]\nlisen = \"a\"\nworkers = -1\nlevel = \"hihg\"\nproxies = [\"10.0.0.1\", \"x\", 5]\nratio = \"half\"\n\
                is_open = 1\nburst = 3\n\n[sever]\nx = 1\n\n[[limits.rules]]\nburts = 1\n\n[[limits.rules]]\nburst = 70000\n";
    let faults = Reading::new(file)
        .variable("SOCLE_SERVER__NOTHING", "1")
        .variable("SOCLE_LIMITZ__X", "1")
        .variable("SOCLE_LIMITZ__Y__Z", "1")
        .flag("server.workers", "100")
        .faults();
    let expected = [
        ("socle.toml:2:1: server.lisen: there is no such setting", "did you mean `listen`?"),
        ("socle.toml:4:1: server.level: \"hihg\" is none of `low`, `high`", "did you mean `high`?"),
        ("socle.toml:5:24: server.proxies[1]: ", "for example `proxies = []` (the default)"),
        (
            "socle.toml:5:29: server.proxies[2]: must be a text in quotes, and this is the number 5",
            "for example `proxies = []` (the default)",
        ),
        (
            "socle.toml:6:1: server.ratio: must be a number, and this is the text \"half\"",
            "for example `ratio = 0.5` (the default)",
        ),
        (
            "socle.toml:7:1: server.is_open: must be true or false, and this is the number 1",
            "for example `is_open = false` (the default)",
        ),
        ("socle.toml:8:1: server.burst: there is no such setting", "did you mean `limits.rules[].burst`?"),
        ("socle.toml:10:2: sever: there is no such setting", "did you mean `server`?"),
        ("socle.toml:14:1: limits.rules[0].burts: there is no such setting", "did you mean `burst`?"),
        (
            "socle.toml:17:1: limits.rules[1].burst: must be a whole number from 0 to 65535, and this is the number 70000",
            "leave it out, and its default holds",
        ),
        (
            "variable SOCLE_SERVER__NOTHING: server.nothing: there is no such setting",
            "[server] takes listen, workers",
        ),
        ("variable SOCLE_LIMITZ__X: limitz.x: there is no such setting", "did you mean `limits`?"),
        ("variable SOCLE_LIMITZ__Y__Z: limitz.y.z: there is no such setting", "did you mean `limits`?"),
        ("--workers: server.workers: must be under 99", "for example `workers = 4` (the default)"),
    ];
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    for (begin, hint) in expected {
        let told = faults.iter().any(|fault| {
            fault.starts_with(begin)
                && fault.split_once("\n    hint: ").is_some_and(|(_, told)| told.contains(hint))
        });
        assert!(told, "{begin} … {hint} is missing in {faults:#?}");
    }
}

#[test]
fn lines_that_are_no_toml_do_not_hide_the_others() {
    let file = "[server]\nlisten = \nworkers = \"many\"\nnot a line\n";
    let faults = Reading::new(file).faults();
    for line in [2, 3, 4] {
        assert!(
            faults.iter().any(|fault| fault.starts_with(&format!("socle.toml:{line}:"))),
            "{line}: {faults:#?}"
        );
    }
    let faults = Reading::new("").dot_env("SOCLE_LISTEN=a\nnot a line\n").faults();
    assert!(faults[0].starts_with(".env:2: "), "{faults:#?}");
}

#[test]
fn a_file_that_is_not_utf_8_is_told_with_its_lines() {
    let write = |reading: &Reading, name: &str, bytes: &[u8]| {
        std::fs::write(reading.folder.path().join(name), bytes).unwrap();
    };
    let reading = Reading::new("").dot_env("");
    // Latin 1: twice on a line, in a text and in a key; and a fault of another kind.
    write(&reading, "socle.toml", b"[server]\nlisten = \"\xe9t\xe9\"\nw\xf6rkers = 1\nratio = \"half\"\n");
    write(&reading, ".env", b"OTHER=1\nSOCLE_SERVER__NICKNAME=\xe9\n");
    let faults = reading.faults();
    let expected = [
        "socle.toml:2:11: this is not UTF-8",
        "socle.toml:3:1: server.w\u{fffd}rkers: there is no such setting",
        "socle.toml:3:2: this is not UTF-8",
        "socle.toml:4:1: server.ratio: must be a number",
        ".env:2: ?: this is not UTF-8",
    ];
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    for begin in expected {
        let told = faults.iter().any(|fault| fault.starts_with(begin) && fault.contains("    hint: "));
        assert!(told, "{begin} is missing in {faults:#?}");
    }
    // No text at all.
    let reading = Reading::new("");
    write(&reading, "socle.toml", b"\xff\xfe[\0s\0]\0\n\0\xff\0\n\0");
    assert_eq!(reading.faults(), ["socle.toml:1:1: this is not UTF-8\n    hint: save the file as UTF-8"]);
}

#[test]
fn a_file_that_cannot_be_read_is_told_with_its_cause_once() {
    let mut reading = Reading::new("");
    reading.source.file = Some(reading.folder.path().to_owned());
    let error = reading.load().unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(error.to_string().starts_with("could not read the settings file"), "{error}");
    assert!(!error.to_string().contains(&cause), "{error}: {cause}");
}

#[test]
fn secrets_can_stand_elsewhere_and_are_never_told() {
    let reading = Reading::new("");
    let file = reading.folder.path().join("key");
    std::fs::write(&file, "from a file\n").unwrap();
    let reading = reading.variable("SOCLE_SERVER__KEY", &format!("file:{}", file.display()));
    let loaded = reading.load().unwrap();
    assert_eq!(loaded.settings.server.key.0, "from a file");
    assert_eq!(loaded.reference("server.key"), Some(format!("file:{}", file.display()).as_str()));

    let key = |text: &str| Reading::new(&format!("[server]\nkey = {text}\n"));
    assert_eq!(key("\"env:MINE\"").variable("MINE", "x").settings().server.key.0, "x");
    assert_eq!(key("\"env:MINE\"").dot_env("MINE=y").settings().server.key.0, "y");
    assert_eq!(key("\"vault:kv/there#k\"").settings().server.key.0, "kv/k");
    // A text that is no secret is taken as it is.
    assert_eq!(Reading::new("[server]\nlisten = \"env:MINE\"\n").settings().server.listen, "env:MINE");

    let check = |text: &str, reason: &str, hint: &str| {
        let faults = key(text).faults();
        assert_eq!(faults.len(), 1, "{faults:#?}");
        let fault = &faults[0];
        assert!(
            fault.starts_with("socle.toml:2:1: server.key: ")
                && fault.contains(reason)
                && fault.contains(hint),
            "{fault}"
        );
    };
    check("\"env:MINE\"", "the variable MINE is not set", ".env");
    check("\"file:/nowhere/key\"", "/nowhere/key cannot be read", "readable");
    check("\"vault:kv/gone#k\"", "is not there", "look elsewhere");
    check("\"vault:kv\"", "vault:mount/path#key", "env:NAME");
    check("12345678", "must be a text in quotes", "");
    assert!(!key("12345678").faults()[0].contains("12345678"));
}

#[test]
fn a_type_tells_what_it_takes() {
    let shape = Shape::of::<Settings>();
    let places = shape.places();
    let kind = |place: &str| places.iter().find(|(known, _)| known == place).map(|(_, kind)| kind.clone());
    assert_eq!(kind("server.key"), Some(Kind::Secret));
    assert_eq!(kind("server.level"), Some(Kind::Choice(&["low", "high"])));
    assert_eq!(kind("server.queues.*"), Some(Kind::Whole { min: 0, max: u32::MAX.into() }));
    assert_eq!(kind("limits.rules[].burst"), Some(Kind::Whole { min: 0, max: u16::MAX.into() }));
    assert_eq!(kind("server.nickname"), Some(Kind::Text));
    assert_eq!(places.len(), 11);
    assert!(shape.find("limits.rules[3].name").is_some());
    assert!(shape.find("limits.rules.name").is_none());
}
