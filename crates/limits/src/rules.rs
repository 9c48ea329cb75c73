use std::{sync::Arc, time::Duration};

use kernel::Clock;
use redislink::RedisLink;

use crate::{
    Config, RuleConfig, RuleOverview,
    bucket::{self, Bucket},
    config::{KeyKind, Who},
    key::Caller,
    quota::{Left, Quota, Refused},
};

/// A call as rules see it.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    pub method: &'a str,
    /// At its home, without the query.
    pub path: &'a str,
    /// It came by an older path.
    pub is_older: bool,
    /// Groups of the API that the operation belongs to.
    pub tags: &'a [String],
    /// `None`: not known yet; then rules for either apply.
    pub is_signed_in: Option<bool>,
}

/// A rule in force.
pub struct Rule {
    bucket: Bucket,
    routes: Vec<Route>,
    except: Vec<Route>,
    older_paths: bool,
    who: Who,
    key: KeyKind,
    cost: u32,
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// What the bucket of each rule still holds, in the order of the rules.
    Fine(Vec<Left>),
    /// Nothing was taken anywhere. The number of the rule, and the caller's key.
    Refused { rule: usize, key: String, refused: Refused },
}

pub(crate) struct Rules(Vec<Rule>);

impl Rules {
    pub(crate) fn new(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, String> {
        config.in_force().iter().map(|rule| Rule::new(rule, clock)).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }

    pub(crate) fn applying(&self, call: &Call<'_>) -> impl Iterator<Item = &Rule> {
        self.0.iter().filter(move |rule| rule.applies(call))
    }
}

impl Rule {
    fn new(config: &RuleConfig, clock: &Arc<dyn Clock>) -> Result<Self, String> {
        let wrong = || format!("rule {:?} is wrong", config.name);
        let quota = Quota::new(config.burst, Duration::from_secs(config.per_s)).ok_or_else(wrong)?;
        let parse = |routes: &[String]| routes.iter().map(|route| Route::parse(route)).collect::<Option<_>>();
        Ok(Self {
            bucket: Bucket::new(&config.name, quota, clock).about(&config.routes, config.key.name()),
            routes: parse(&config.routes).ok_or_else(wrong)?,
            except: parse(&config.except).ok_or_else(wrong)?,
            older_paths: config.older_paths,
            who: config.who,
            key: config.key,
            cost: config.cost,
        })
    }

    pub fn name(&self) -> &str {
        &self.bucket.name
    }

    pub fn quota(&self) -> Quota {
        self.bucket.quota
    }

    pub fn is_for(&self, is_signed_in: bool) -> bool {
        match self.who {
            Who::Anybody => true,
            Who::Anonymous => !is_signed_in,
            Who::SignedIn => is_signed_in,
        }
    }

    fn applies(&self, call: &Call<'_>) -> bool {
        call.is_signed_in.is_none_or(|signed_in| self.is_for(signed_in))
            && (!self.older_paths || call.is_older)
            && self.routes.iter().any(|route| route.fits(call))
            && !self.except.iter().any(|route| route.fits(call))
    }

    pub(crate) fn overview(&self) -> RuleOverview {
        self.bucket.overview(self.cost)
    }
}

/// Callers of whom nothing is known are not counted.
pub(crate) async fn check(redis: &RedisLink, rules: &[&Rule], caller: &Caller) -> Verdict {
    let keys: Option<Vec<String>> = rules.iter().map(|rule| caller.key(rule.key)).collect();
    let Some(keys) = keys else {
        let full = |rule: &&Rule| Left { remaining: rule.quota().burst(), reset_s: 0 };
        return Verdict::Fine(rules.iter().map(full).collect());
    };
    let asks: Vec<_> =
        rules.iter().zip(&keys).map(|(rule, key)| (&rule.bucket, key.as_str(), rule.cost)).collect();
    match bucket::take_all(redis, &asks).await {
        Ok(left) => Verdict::Fine(left),
        Err((rule, refused)) => Verdict::Refused { rule, key: keys[rule].clone(), refused },
    }
}

/// Calls that a rule is for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Tag(String),
    Path {
        /// Empty: any.
        methods: Vec<String>,
        /// What stands between the stars.
        parts: Vec<String>,
    },
}

impl Route {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(tag) = text.strip_prefix("tag:") {
            return (!tag.is_empty()).then(|| Self::Tag(tag.to_owned()));
        }
        let (methods, pattern) = text.split_once(' ').unwrap_or(("", text));
        let methods: Vec<_> =
            methods.split(',').filter(|method| !method.is_empty()).map(str::to_owned).collect();
        let fine = methods.iter().all(|method| method.bytes().all(|byte| byte.is_ascii_uppercase()))
            && pattern.starts_with(['/', '*'])
            && !pattern.contains(' ');
        fine.then(|| Self::Path { methods, parts: pattern.split('*').map(str::to_owned).collect() })
    }

    fn fits(&self, call: &Call<'_>) -> bool {
        match self {
            Self::Tag(tag) => call.tags.contains(tag),
            Self::Path { methods, parts } => {
                (methods.is_empty() || methods.iter().any(|method| method == call.method))
                    && path_fits(parts, call.path)
            }
        }
    }
}

/// The first part at the beginning, the last at the end, the others in this order between them, without overlap.
fn path_fits(parts: &[String], path: &str) -> bool {
    let [first, between @ .., last] = parts else {
        return parts.first().is_some_and(|only| only == path);
    };
    let Some(mut rest) = path.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str()))
    else {
        return false;
    };
    between.iter().all(|part| match rest.find(part.as_str()) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_fit_what_they_say() {
        let check = |route: &str, method: &str, path: &str, expected: bool| {
            let tags = ["exams".to_owned()];
            let call = Call { method, path, is_older: false, tags: &tags, is_signed_in: None };
            assert_eq!(Route::parse(route).unwrap().fits(&call), expected, "{route} for {method} {path}");
        };
        check("/api/*", "GET", "/api/v1/users", true);
        check("/api/*", "GET", "/apis", false);
        check("GET,HEAD /api/*", "HEAD", "/api/", true);
        check("GET,HEAD /api/*", "POST", "/api/x", false);
        check("POST /api/*/generate", "POST", "/api/v1/exams/generate", true);
        check("POST /api/*/generate", "POST", "/api/v1/exams/generated", false);
        check("POST /api/*/generate", "POST", "/api/generate", false);
        check("/a*b*a", "GET", "/aba", true);
        check("/ab*ba", "GET", "/aba", false);
        check("/exact", "GET", "/exact", true);
        check("/exact", "GET", "/exactly", false);
        check("*", "GET", "/anything", true);
        check("tag:exams", "GET", "/", true);
        check("tag:lofi", "GET", "/", false);
        for wrong in ["", "api", "get /api", "GET  /api", "GET", "tag:"] {
            assert_eq!(Route::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn the_built_in_rules_apply_where_they_should() {
        let clock: Arc<dyn Clock> = Arc::new(kernel::SystemClock);
        let rules = Rules::new(&Config::default(), &clock).unwrap();
        let check = |method, path, is_older, signed_in, expected: &[&str]| {
            let call = Call { method, path, is_older, tags: &[], is_signed_in: Some(signed_in) };
            let names: Vec<_> = rules.applying(&call).map(Rule::name).collect();
            assert_eq!(names, expected, "{method} {path}");
        };
        let anonymous = ["anonymous-hour", "anonymous-day"];
        check("GET", "/api/v1/users", false, false, &anonymous);
        check("POST", "/api/v1/exams/generate", false, false, &anonymous);
        check("POST", "/api/v1/auth/login", true, false, &[]);
        check("GET", "/api/v1/users", false, true, &["reads"]);
        check("GET", "/api/v1/surveillance/cameras", true, true, &["older-reads", "reads"]);
        check("POST", "/api/v1/exams/generate", false, true, &["generation", "writes"]);
        check("POST", "/api/v1/auth/login", false, false, &[]);
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            check(method, "/api/v1/users", false, true, &["writes"]);
        }
        for path in
            ["/api/2.0/mlflow/runs/search", "/api/3.0/mlflow/x", "/ajax-api/2.0/mlflow/x", "/t/a/api/2.0/x"]
        {
            check("POST", path, false, true, &["tracking"]);
            check("GET", path, false, false, &[]);
        }
        for open in ["/", "/health", "/metrics", "/assets/app.js", "/ws", "/openapi.json"] {
            check("GET", open, false, false, &[]);
            check("GET", open, false, true, &[]);
        }
    }
}
