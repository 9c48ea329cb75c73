use http::{HeaderMap, Uri, uri::PathAndQuery};
use kernel::Problem;

/// An older path that answers as another does: `{}` stands for one segment, a last `*` for all the rest.
#[derive(Debug, Clone, Copy)]
pub struct Alias {
    pub from: &'static str,
    pub to: &'static str,
}

/// Brings a request's path to its home before routing: aliases first, then `/api/…` without a version.
#[derive(Debug, Clone, Default)]
pub struct Rewrite {
    aliases: Vec<Alias>,
}

/// The versions that the API has; the last is the present one.
const VERSIONS: [&str; 1] = ["1"];

impl Rewrite {
    pub fn new(aliases: impl IntoIterator<Item = Alias>) -> Self {
        Self { aliases: aliases.into_iter().collect() }
    }

    /// Whether the path is one of the older ones.
    pub fn is_older(&self, path: &str) -> bool {
        self.aliases.iter().any(|alias| alias.home(path).is_some())
    }

    /// The path to route by; `None` leaves it as it is.
    pub fn apply(&self, uri: &Uri, headers: &HeaderMap) -> Result<Option<Uri>, Problem> {
        let path = uri.path();
        let home = match self.aliases.iter().find_map(|alias| alias.home(path)) {
            Some(home) => home,
            None => match path.strip_prefix("/api/") {
                Some(rest) if !is_versioned(rest) => format!("/api/v{}/{rest}", asked_version(headers)?),
                _ => return Ok(None),
            },
        };
        let query = uri.query().map_or(String::new(), |query| format!("?{query}"));
        let path = PathAndQuery::try_from(format!("{home}{query}")).map_err(|_| {
            Problem::bad_request("invalid-path", "the path holds characters that no path may hold")
        })?;
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(path);
        Ok(Uri::from_parts(parts).ok())
    }
}

fn is_versioned(rest: &str) -> bool {
    let first = rest.split('/').next().unwrap_or("");
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // `/api/2.0/…` has a version too: a foreign protocol's, such as MLflow's.
    first.strip_prefix('v').is_some_and(is_number)
        || first.split_once('.').is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}

fn asked_version(headers: &HeaderMap) -> Result<&str, Problem> {
    match headers.get("api-version").map(|value| value.to_str().unwrap_or("")) {
        None => Ok(VERSIONS[VERSIONS.len() - 1]),
        Some(asked) if VERSIONS.contains(&asked) => Ok(asked),
        Some(_) => Err(Problem::bad_request(
            "unknown-api-version",
            format!("the API-Version header must be one of: {}", VERSIONS.join(", ")),
        )),
    }
}

impl Alias {
    fn home(&self, path: &str) -> Option<String> {
        let mut held = Vec::new();
        let mut given = path.split('/');
        for wanted in self.from.split('/') {
            if wanted == "*" {
                let rest: Vec<_> = given.by_ref().collect();
                if rest.is_empty() {
                    return None;
                }
                held.push(rest.join("/"));
                break;
            }
            let segment = given.next()?;
            match wanted {
                "{}" if !segment.is_empty() => held.push(segment.to_owned()),
                _ if wanted == segment => {}
                _ => return None,
            }
        }
        if given.next().is_some() {
            return None;
        }
        let mut held = held.into_iter();
        let home: Vec<_> =
            self.to
                .split('/')
                .map(|part| {
                    if matches!(part, "{}" | "*") { held.next().unwrap_or_default() } else { part.to_owned() }
                })
                .collect();
        Some(home.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_home() {
        let rewrite = Rewrite::new([
            Alias { from: "/auth/*", to: "/api/v1/auth/*" },
            Alias { from: "/video_feed/{}", to: "/api/v1/surveillance/cameras/{}/live.mjpeg" },
        ]);
        let check = |path: &str, home: Option<&str>| {
            let uri = rewrite.apply(&path.parse().unwrap(), &HeaderMap::new()).unwrap();
            assert_eq!(uri.map(|uri| uri.to_string()).as_deref(), home, "{path}");
        };
        check("/auth/login?x=1", Some("/api/v1/auth/login?x=1"));
        check("/auth", None);
        check("/video_feed/cam_1", Some("/api/v1/surveillance/cameras/cam_1/live.mjpeg"));
        check("/video_feed/", None);
        check("/video_feed/a/b", None);
        check("/api/users", Some("/api/v1/users"));
        check("/api/v1/users", None);
        check("/api/v9/users", None);
        check("/api/2.0/mlflow/runs/get", None);
        check("/api/2.x/users", Some("/api/v1/2.x/users"));
        check("/api/vectors", Some("/api/v1/vectors"));
        check("/", None);
    }

    #[test]
    fn an_unknown_version_is_refused() {
        let mut headers = HeaderMap::new();
        headers.insert("api-version", "7".parse().unwrap());
        assert!(Rewrite::default().apply(&"/api/users".parse().unwrap(), &headers).is_err());
        headers.insert("api-version", "1".parse().unwrap());
        assert!(Rewrite::default().apply(&"/api/users".parse().unwrap(), &headers).is_ok());
    }
}
