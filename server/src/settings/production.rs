//! What must not be so where strangers can reach the server.

use std::collections::BTreeSet;

use config::Faults;

use super::{Mode, Settings};

/// A secret with fewer different characters than this was typed, not drawn.
const DIFFERENT_MIN: usize = 8;

/// Setting, what is unsafe about it, and what to do.
type Finding = (&'static str, String, &'static str);

/// Each finding stops the start in production, and is a warning in development.
pub(super) fn check(settings: &Settings, faults: &mut Faults) {
    let in_production = settings.server.mode == Mode::Production;
    for (setting, reason, hint) in find(settings) {
        if in_production {
            faults.add_with_hint(setting, format!("{reason}; production mode refuses this"), hint);
        } else {
            faults.warn(setting, format!("{reason}; production mode would refuse this"), hint);
        }
    }
}

fn find(settings: &Settings) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let mut add = |is_unsafe: bool, setting, reason: &str, hint| {
        if is_unsafe {
            found.push((setting, reason.to_owned(), hint));
        }
    };
    let url = &settings.server.public_url;
    let in_production = settings.server.mode == Mode::Production;
    add(
        url.is_empty() && (in_production || !is_loopback(&settings.server.listen)),
        "server.public_url",
        "is not set, so links in mails and the check of cookies' origins go by the listen address",
        "set it to what people type: https://socle.example.org",
    );
    add(
        url.starts_with("http://") && !is_loopback(url),
        "server.public_url",
        "is plain HTTP, so passwords and session cookies go over the network in the open",
        "put a proxy with TLS in front, name it in http.trusted_proxies, and write https://",
    );
    add(
        settings.http.cors_origins.iter().any(|origin| origin == "*"),
        "http.cors_origins",
        "lets every website's pages call the API",
        "name the origins that may: [\"https://app.example.org\"]",
    );
    add(
        settings.http.cors_origins.iter().any(|origin| origin.starts_with("http://") && !is_loopback(origin)),
        "http.cors_origins",
        "names an origin of plain HTTP, whose pages anybody on the way can change",
        "write https://",
    );
    add(
        settings
            .identity
            .trusted_origins
            .iter()
            .any(|origin| origin.starts_with("http://") && !is_loopback(origin)),
        "identity.trusted_origins",
        "lets pages that come by plain HTTP use cookie sessions",
        "write https://",
    );
    add(
        settings.ml.auth_disabled,
        "ml.auth_disabled",
        "lets anybody read and change experiments, models and artifacts",
        "take it away; clients sign in by MLFLOW_TRACKING_TOKEN, or by MLFLOW_TRACKING_USERNAME and _PASSWORD",
    );
    let debug = settings.log.filter.to_ascii_lowercase();
    add(
        debug.split([',', '=']).any(|part| matches!(part.trim(), "debug" | "trace")),
        "log.filter",
        "logs at debug or trace, which is slow and tells much about people",
        "write info, or warn for single targets",
    );
    let secret = settings.identity.secret.expose();
    let different = secret.chars().collect::<BTreeSet<_>>().len();
    add(
        !secret.is_empty() && secret.len() < 32,
        "identity.secret",
        "is shorter than 32 characters",
        "draw one: openssl rand -base64 48",
    );
    add(
        secret.len() >= 32 && different < DIFFERENT_MIN,
        "identity.secret",
        "has fewer than 8 different characters, so it was hardly drawn at random",
        "draw one: openssl rand -base64 48",
    );
    found
}

/// Whether an address (`127.0.0.1:8000`) or a URL stays on this machine.
fn is_loopback(address: &str) -> bool {
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or(host);
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.rsplit_once(':').map_or(host, |(host, _)| host),
    };
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use kernel::Secret;

    use super::*;

    #[test]
    fn addresses_of_this_machine_are_known() {
        for here in ["127.0.0.1:8000", "http://localhost:80/x", "http://[::1]:8000", "https://a.localhost"] {
            assert!(is_loopback(here), "{here}");
        }
        for there in ["0.0.0.0:8000", "http://localhost.example.org", "http://10.0.0.1", "[::]:80"] {
            assert!(!is_loopback(there), "{there}");
        }
    }

    #[test]
    fn each_unsafe_setting_is_found() {
        let check = |change: &dyn Fn(&mut Settings), expected: &[&str]| {
            let mut settings = Settings::default();
            settings.server.mode = Mode::Production;
            settings.server.public_url = "https://socle.example.org".to_owned();
            change(&mut settings);
            let found: Vec<_> = find(&settings).into_iter().map(|(setting, ..)| setting).collect();
            assert_eq!(found, expected);
        };
        check(&|_| {}, &[]);
        check(&|s| s.server.public_url.clear(), &["server.public_url"]);
        check(&|s| s.server.public_url = "http://socle.example.org".to_owned(), &["server.public_url"]);
        check(&|s| s.server.public_url = "http://127.0.0.1:8000".to_owned(), &[]);
        check(&|s| s.http.cors_origins = vec!["*".to_owned()], &["http.cors_origins"]);
        check(&|s| s.http.cors_origins = vec!["http://app.example.org".to_owned()], &["http.cors_origins"]);
        check(&|s| s.ml.auth_disabled = true, &["ml.auth_disabled"]);
        check(&|s| s.log.filter = "info,web=debug".to_owned(), &["log.filter"]);
        check(&|s| s.log.filter = "info,debugger=warn".to_owned(), &[]);
        check(&|s| s.identity.secret = Secret::new("short".to_owned()), &["identity.secret"]);
        check(&|s| s.identity.secret = Secret::new("changeme".repeat(5)), &["identity.secret"]);
        let drawn = "hE2Jx0cVbqQm1pZ7Rk5uTn9sWd3fYg8aLo6iCv4x";
        check(&|s| s.identity.secret = Secret::new(drawn.to_owned()), &[]);
    }
}
