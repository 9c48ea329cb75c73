use std::collections::BTreeSet;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::quota::Quota;

/// Section `[limits]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Apply the rules at all. Limits of failed log-ins (section `identity`) hold in any case. Default true.
    pub enabled: bool,
    /// Networks (`10.0.0.0/8`) whose callers are never refused. Default this machine itself: `127.0.0.0/8` and `::1/128`.
    pub trusted_networks: Vec<String>,
    /// Rules besides the built-in ones; one with a built-in's name takes its place, with `burst = 0` it takes it away. See
    /// `docs/limits.md`. Default none.
    pub rules: Vec<RuleConfig>,
    /// So many refusals of one caller by one rule within `abuse_window_s` leave a line in the audit log. Default 100.
    pub abuse_refusals: u32,
    /// The time for `abuse_refusals`, and between two lines, in seconds. Default 600.
    pub abuse_window_s: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            trusted_networks: vec!["127.0.0.0/8".to_owned(), "::1/128".to_owned()],
            rules: Vec::new(),
            abuse_refusals: 100,
            abuse_window_s: 600,
        }
    }
}

/// Section `[[limits.rules]]`. One rule; see docs/limits.md.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuleConfig {
    /// 1 to 64 letters, digits, dots and dashes; callers see it in `RateLimit`. Empty (the default) is a fault.
    pub name: String,
    /// `[METHODS ]PATTERN`, where `*` is any run of characters (`GET,HEAD /api/v1/exams/*`), or `tag:NAME` for the
    /// operations of one group of the API. Default none.
    pub routes: Vec<String>,
    /// Of those, not these. Default none.
    pub except: Vec<String>,
    /// Only calls that came by an older path. Default false.
    pub older_paths: bool,
    /// Whom the rule is for. Default `anybody`.
    pub who: Who,
    /// What a bucket stands for. Default `address`.
    pub key: KeyKind,
    /// So many at once. Default 0.
    pub burst: u32,
    /// And so many again over this time, evenly, in seconds. Default 60.
    pub per_s: u64,
    /// What one call takes. Default 1.
    pub cost: u32,
}

impl Default for RuleConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            routes: Vec::new(),
            except: Vec::new(),
            older_paths: false,
            who: Who::default(),
            key: KeyKind::default(),
            burst: 0,
            per_s: 60,
            cost: 1,
        }
    }
}

/// What a bucket stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// The caller's address (IPv6: the /64).
    #[default]
    Address,
    /// The account; the address of who has none.
    User,
    /// The session that the access token or cookie belongs to, however often it is refreshed, or the API key; else the
    /// account; else the address.
    Token,
    /// The API key; else the account; else the address.
    ApiKey,
    /// The workspace that the caller is in; the address of who is in none.
    Workspace,
}

impl KeyKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::User => "user",
            Self::Token => "token",
            Self::ApiKey => "api_key",
            Self::Workspace => "workspace",
        }
    }
}

/// Whom a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    #[default]
    Anybody,
    /// Without an account, or with credentials that do not count.
    Anonymous,
    SignedIn,
}

const HOUR_S: u64 = 3_600;

/// What the clients of a tracking server call, many times a second while a model trains.
const TRACKING: [&str; 5] = ["/api/2.0/*", "/api/3.0/*", "/ajax-api/*", "/t/*", "/v1/traces"];

/// What holds unless the settings say otherwise. Why these: docs/decisions/0006-limits.md.
fn built_in() -> Vec<RuleConfig> {
    let rule = |name: &str, routes: &[&str]| RuleConfig {
        name: name.to_owned(),
        routes: routes.iter().map(|route| (*route).to_owned()).collect(),
        ..RuleConfig::default()
    };
    let except_tracking =
        |more: &[&str]| more.iter().chain(&TRACKING).map(|route| (*route).to_owned()).collect::<Vec<_>>();
    // Signing in has limits of its own, by account and address, which give back what was no misuse.
    let anonymous = |name| RuleConfig {
        // Who shows a password by HTTP Basic there is known only to that module; wrong ones run into the limits of log-in.
        except: except_tracking(&["/api/v1/auth/*"]),
        who: Who::Anonymous,
        ..rule(name, &["/api/*"])
    };
    vec![
        RuleConfig { burst: 50, per_s: HOUR_S, ..anonymous("anonymous-hour") },
        RuleConfig { burst: 200, per_s: 24 * HOUR_S, ..anonymous("anonymous-day") },
        RuleConfig {
            who: Who::SignedIn,
            key: KeyKind::User,
            burst: 5,
            ..rule("generation", &["POST /api/*/generate"])
        },
        RuleConfig {
            older_paths: true,
            who: Who::SignedIn,
            key: KeyKind::User,
            burst: 100,
            ..rule("older-reads", &["GET,HEAD *"])
        },
        RuleConfig {
            who: Who::SignedIn,
            key: KeyKind::User,
            burst: 3_000,
            except: except_tracking(&[]),
            ..rule("reads", &["GET,HEAD /api/*"])
        },
        RuleConfig {
            who: Who::SignedIn,
            key: KeyKind::User,
            burst: 600,
            except: except_tracking(&[]),
            ..rule("writes", &["POST,PUT,PATCH,DELETE /api/*"])
        },
        RuleConfig { who: Who::SignedIn, key: KeyKind::User, burst: 600_000, ..rule("tracking", &TRACKING) },
    ]
}

impl Config {
    /// Every fault at once.
    pub fn validate(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for network in &self.trusted_networks {
            if parse_network(network).is_none() {
                faults.push(format!(
                    "limits.trusted_networks: {network:?} is not a network such as 10.0.0.0/8"
                ));
            }
        }
        let mut names = BTreeSet::new();
        for rule in &self.rules {
            for fault in rule.faults() {
                faults.push(format!("limits.rules: rule {:?} {fault}", rule.name));
            }
            if !names.insert(&rule.name) {
                faults.push(format!("limits.rules: there are two rules {:?}", rule.name));
            }
        }
        if self.abuse_refusals == 0 {
            faults.push("limits.abuse_refusals: must be at least 1".to_owned());
        }
        if !(1..=86_400).contains(&self.abuse_window_s) {
            faults.push("limits.abuse_window_s: must be from 1 to 86400".to_owned());
        }
        faults
    }

    pub(crate) fn networks(&self) -> Result<Vec<IpNet>, String> {
        let parse = |text: &String| parse_network(text).ok_or_else(|| format!("{text:?} is not a network"));
        self.trusted_networks.iter().map(parse).collect()
    }

    /// The built-in rules and those of the settings, in the order in which they are asked: small quotas first.
    pub(crate) fn in_force(&self) -> Vec<RuleConfig> {
        let mut rules = built_in();
        rules.retain(|rule| self.rules.iter().all(|own| own.name != rule.name));
        rules.extend(self.rules.iter().filter(|own| own.burst > 0).cloned());
        rules.sort_by_key(|rule| rule.burst);
        rules
    }
}

impl RuleConfig {
    fn faults(&self) -> Vec<&'static str> {
        let mut faults = Vec::new();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
        if self.name.is_empty() || self.name.len() > 64 || !self.name.bytes().all(plain) {
            faults.push("must have a name of 1 to 64 letters, digits, dots or dashes");
        }
        if self.burst == 0 {
            // Takes a built-in rule away; nothing else of it counts.
            return faults;
        }
        if self.routes.is_empty() {
            faults.push("must name routes");
        }
        if self.routes.iter().chain(&self.except).any(|route| crate::rules::Route::parse(route).is_none()) {
            faults.push("has a route that is none: write it like GET,HEAD /api/v1/exams/* or tag:exams");
        }
        if self.per_s == 0 || self.per_s > 31 * 86_400 {
            faults.push("must have per_s from 1 to 2678400");
        } else if Quota::new(self.burst, std::time::Duration::from_secs(self.per_s)).is_none() {
            faults.push("lets more than one through each microsecond");
        }
        if self.cost == 0 || self.cost > self.burst {
            faults.push("must have a cost from 1 to its burst");
        }
        faults
    }
}

/// A single address is a network of one.
fn parse_network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_are_fine_and_can_be_changed() {
        assert_eq!(Config::default().validate(), [""; 0]);
        assert!(built_in().iter().all(|rule| rule.faults().is_empty()));
        let own = |name: &str, burst| RuleConfig {
            name: name.to_owned(),
            burst,
            routes: vec!["tag:exams".to_owned()],
            ..RuleConfig::default()
        };
        let config = Config {
            rules: vec![own("reads", 7), own("generation", 0), own("mine", 1)],
            ..Config::default()
        };
        assert_eq!(config.validate(), [""; 0]);
        let names: Vec<_> = config.in_force().into_iter().map(|rule| (rule.name, rule.burst)).collect();
        let expected = [
            ("mine", 1),
            ("reads", 7),
            ("anonymous-hour", 50),
            ("older-reads", 100),
            ("anonymous-day", 200),
            ("writes", 600),
            ("tracking", 600_000),
        ];
        assert_eq!(names, expected.map(|(name, burst)| (name.to_owned(), burst)));
    }

    #[test]
    fn faults_are_all_told() {
        let wrong =
            RuleConfig { name: "a b".to_owned(), burst: 1, per_s: 0, cost: 2, ..RuleConfig::default() };
        let config = Config {
            trusted_networks: vec!["10.0.0.0/99".to_owned(), "192.0.2.1".to_owned()],
            rules: vec![wrong.clone(), wrong],
            abuse_refusals: 0,
            abuse_window_s: 0,
            ..Config::default()
        };
        assert_eq!(config.validate().len(), 1 + 2 * 4 + 1 + 2, "{:#?}", config.validate());
    }
}
