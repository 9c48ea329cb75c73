//! Secrets that stand elsewhere.

use std::path::PathBuf;

/// Where a secret stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// `file:/run/secrets/x`: the file's text, without the line end.
    File(PathBuf),
    /// `env:NAME`: a variable, or a line of `.env`.
    Env(String),
    /// `vault:mount/path#key`: a field of a secret in a KV v2 store.
    Vault { mount: String, path: String, key: String },
}

/// A secret that the caller of [`Draft`](crate::Draft) must fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub setting: String,
    pub mount: String,
    pub path: String,
    pub key: String,
}

impl Reference {
    /// `None` for a secret that stands here; an error for a reference that is not whole.
    pub fn parse(text: &str) -> Option<Result<Self, String>> {
        if let Some(path) = text.strip_prefix("file:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return Some(match path {
                "" => Err("file: names no file".to_owned()),
                path => Ok(Self::File(PathBuf::from(path))),
            });
        }
        if let Some(name) = text.strip_prefix("env:") {
            return Some(match name {
                "" => Err("env: names no variable".to_owned()),
                name => Ok(Self::Env(name.to_owned())),
            });
        }
        let rest = text.strip_prefix("vault:")?;
        let parts = rest.split_once('#').and_then(|(place, key)| {
            let (mount, path) = place.trim_matches('/').split_once('/')?;
            (!mount.is_empty() && !path.is_empty() && !key.is_empty()).then_some((mount, path, key))
        });
        Some(match parts {
            Some((mount, path, key)) => {
                Ok(Self::Vault { mount: mount.to_owned(), path: path.to_owned(), key: key.to_owned() })
            }
            None => Err("a reference to Vault reads vault:mount/path#key".to_owned()),
        })
    }

    /// The text of a file or variable, or what is wrong and what to do.
    pub(crate) fn fetch(
        &self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Option<Result<String, (String, String)>> {
        let fetched = match self {
            Self::Vault { .. } => return None,
            Self::File(path) => match std::fs::read_to_string(path) {
                Ok(text) => Ok(text.trim_end_matches(['\n', '\r']).to_owned()),
                Err(error) => Err((
                    format!("the file {} cannot be read: {error}", path.display()),
                    "the file must be there, and readable for the user that Socle runs as".to_owned(),
                )),
            },
            Self::Env(name) => variable(name).ok_or_else(|| {
                (
                    format!("the variable {name} is not set"),
                    format!("set {name} in the environment, or write it into .env"),
                )
            }),
        };
        Some(fetched.and_then(|text| {
            if text.is_empty() {
                let place = match self {
                    Self::File(path) => format!("the file {}", path.display()),
                    _ => "the variable".to_owned(),
                };
                Err((
                    format!("{place} is empty"),
                    "a secret that is referred to must not be empty".to_owned(),
                ))
            } else {
                Ok(text)
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_told_from_secrets() {
        let check = |text: &str, expected: Option<Result<Reference, ()>>| {
            assert_eq!(Reference::parse(text).map(|parsed| parsed.map_err(|_| ())), expected, "{text}");
        };
        let vault = |mount: &str, path: &str, key: &str| Reference::Vault {
            mount: mount.to_owned(),
            path: path.to_owned(),
            key: key.to_owned(),
        };
        check("hunter2", None);
        check("postgres://me@host/db", None);
        check("file:/run/secrets/x", Some(Ok(Reference::File("/run/secrets/x".into()))));
        check("file:///run/secrets/x", Some(Ok(Reference::File("/run/secrets/x".into()))));
        check("file:", Some(Err(())));
        check("env:KEY", Some(Ok(Reference::Env("KEY".to_owned()))));
        check("vault:kv/socle/prod#key", Some(Ok(vault("kv", "socle/prod", "key"))));
        check("vault:kv/socle", Some(Err(())));
        check("vault:kv#key", Some(Err(())));
    }
}
