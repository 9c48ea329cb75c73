use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use anyhow::Context as _;
use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use kernel::Secret;
use rand::RngCore as _;
use tokio::sync::Semaphore;

use super::breached::Breached;
use crate::{
    config::Config,
    error::Error,
    model::{
        Email, PlaceWords, StoredHash, Strength, bcrypt_matches, pbkdf2_matches, refuse_password, strength,
    },
};

/// Hashes passwords by Argon2id (RFC 9106) on blocking threads, no more at a time than there are cores: a storm of
/// log-ins waits in line here while everything else is served.
pub(super) struct Passwords(Arc<Pool>);

struct Pool {
    argon2: Argon2<'static>,
    threads: Semaphore,
    waiting: AtomicUsize,
    waiting_max: usize,
    /// A hash of nothing, with our parameters: verifying against it costs what a real one costs.
    decoy: String,
    breached: Option<Breached>,
    place: PlaceWords,
}

const IS_BREACHED: &str = "is known from a breach elsewhere";

/// Was it the password?
pub(super) struct Verdict {
    pub(super) matches: bool,
    /// The same password under today's stronger parameters.
    pub(super) rehashed: Option<String>,
}

impl Passwords {
    pub(super) fn new(config: &Config, place: PlaceWords) -> anyhow::Result<Self> {
        let params =
            Params::new(config.argon2_memory_kib, config.argon2_iterations, config.argon2_lanes, None)
                .map_err(|error| anyhow::anyhow!("identity.argon2_…: {error}"))?;
        let threads = match config.hash_threads {
            0 => thread::available_parallelism().context("could not count the cores")?.get(),
            threads => threads as usize,
        };
        Ok(Self(Arc::new(Pool {
            decoy: decoy(&params),
            place,
            breached: match config.breached_passwords.as_os_str().is_empty() {
                true => None,
                false => Some(Breached::open(&config.breached_passwords)?),
            },
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            threads: Semaphore::new(threads),
            waiting: AtomicUsize::new(0),
            waiting_max: config.hash_queue_max as usize,
        })))
    }

    /// Refuses a weak password with the pointer of its field; hashes a fine one.
    pub(super) async fn hash(
        &self,
        password: Secret<String>,
        email: Email,
        pointer: &'static str,
    ) -> Result<String, Error> {
        self.run(move |pool| match pool.refusal(password.expose(), &email)? {
            Some(reason) => Err(Error::Invalid { pointer, reason: reason.to_owned() }),
            None => pool.hash(password.expose()),
        })
        .await
    }

    /// Why it would not be hashed.
    pub(super) async fn refusal(
        &self,
        password: Secret<String>,
        email: Email,
    ) -> Result<Option<&'static str>, Error> {
        self.run(move |pool| pool.refusal(password.expose(), &email)).await
    }

    /// Without a hash it takes as long, and is never the password.
    pub(super) async fn verify(
        &self,
        password: Secret<String>,
        hash: Option<String>,
    ) -> Result<Verdict, Error> {
        self.run(move |pool| {
            let Some(hash) = hash else {
                pool.matches(password.expose(), &pool.decoy)?;
                return Ok(Verdict { matches: false, rehashed: None });
            };
            let matches = pool.matches(password.expose(), &hash)?;
            let outdated = matches && pool.is_weaker(&hash)?;
            let rehashed = outdated.then(|| pool.hash(password.expose())).transpose()?;
            Ok(Verdict { matches, rehashed })
        })
        .await
    }

    /// On the pool too: it may take milliseconds.
    pub(super) async fn strength(
        &self,
        password: Secret<String>,
        email: Option<Email>,
    ) -> Result<Strength, Error> {
        self.run(move |pool| {
            let mut strength = strength(password.expose(), email.as_ref(), &pool.place);
            if strength.refused.is_none() && pool.is_breached(password.expose())? {
                strength.refused = Some(IS_BREACHED);
            }
            Ok(strength)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Pool) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let pool = self.0.clone();
        let _place = Place::take(&pool)?;
        let _permit = pool.threads.acquire().await.map_err(|closed| Error::Hash(closed.to_string()))?;
        let worker = pool.clone();
        tokio::task::spawn_blocking(move || work(&worker))
            .await
            .map_err(|panic| Error::Hash(panic.to_string()))?
    }
}

/// A place in the line; given up when dropped.
struct Place<'p>(&'p AtomicUsize);

impl<'p> Place<'p> {
    fn take(pool: &'p Pool) -> Result<Self, Error> {
        let place = Self(&pool.waiting);
        if pool.waiting.fetch_add(1, Ordering::Relaxed) >= pool.waiting_max {
            Err(Error::Busy)
        } else {
            Ok(place)
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    fn refusal(&self, password: &str, email: &Email) -> Result<Option<&'static str>, Error> {
        if let Some(reason) = refuse_password(password, email, &self.place) {
            return Ok(Some(reason));
        }
        Ok(self.is_breached(password)?.then_some(IS_BREACHED))
    }

    fn hash(&self, password: &str) -> Result<String, Error> {
        self.argon2
            .hash_password(password.as_bytes())
            .map(|hash| hash.to_string())
            .map_err(|error| Error::Hash(error.to_string()))
    }

    fn is_breached(&self, password: &str) -> Result<bool, Error> {
        let Some(breached) = &self.breached else { return Ok(false) };
        breached
            .contains(password)
            .map_err(|error| Error::Hash(format!("identity.breached_passwords: {error}")))
    }

    fn matches(&self, password: &str, hash: &str) -> Result<bool, Error> {
        let unreadable = |reason: &str| Error::Hash(reason.to_owned());
        match StoredHash::parse(hash).map_err(unreadable)? {
            StoredHash::Bcrypt(hash) => Ok(bcrypt_matches(password, &hash)),
            StoredHash::Pbkdf2 { iterations, salt, hash } => {
                Ok(pbkdf2_matches(password, iterations, &salt, &hash))
            }
            StoredHash::Argon2(hash) => {
                let parsed = PasswordHash::new(&hash).map_err(|error| Error::Hash(error.to_string()))?;
                match self.argon2.verify_password(password.as_bytes(), &parsed) {
                    Ok(()) => Ok(true),
                    Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                    Err(error) => Err(Error::Hash(error.to_string())),
                }
            }
        }
    }

    /// Made with less memory or fewer passes than we ask for now?
    /// Or not ours at all?
    fn is_weaker(&self, hash: &str) -> Result<bool, Error> {
        let Ok(StoredHash::Argon2(hash)) = StoredHash::parse(hash) else { return Ok(true) };
        let parsed = PasswordHash::new(&hash).map_err(|error| Error::Hash(error.to_string()))?;
        let ours = self.argon2.params();
        Ok(match Params::try_from(&parsed) {
            Ok(theirs) => {
                parsed.algorithm.as_str() != argon2::ARGON2ID_IDENT.as_str()
                    || theirs.m_cost() < ours.m_cost()
                    || theirs.t_cost() < ours.t_cost()
            }
            Err(_) => true,
        })
    }
}

fn decoy(params: &Params) -> String {
    let mut random = [0; 48];
    rand::rng().fill_bytes(&mut random);
    let (salt, hash) = random.split_at(16);
    format!(
        "$argon2id$v=19$m={},t={},p={}${}${}",
        params.m_cost(),
        params.t_cost(),
        params.p_cost(),
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(hash)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords(memory_kib: u32) -> Passwords {
        let config = Config { argon2_memory_kib: memory_kib, argon2_iterations: 1, ..Config::default() };
        Passwords::new(&config, PlaceWords::new("")).unwrap()
    }

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn hashes_verify_and_rise_with_the_parameters() {
        let email = Email::parse("ada@example.org").unwrap();
        let weak = passwords(64);
        let hash = weak.hash(secret("correct horse"), email.clone(), "/password").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        let verdict = weak.verify(secret("correct horse"), Some(hash.clone())).await.unwrap();
        assert!(verdict.matches && verdict.rehashed.is_none());
        assert!(!weak.verify(secret("wrong horse"), Some(hash.clone())).await.unwrap().matches);
        assert!(!weak.verify(secret("correct horse"), None).await.unwrap().matches);

        let strong = passwords(128);
        let verdict = strong.verify(secret("correct horse"), Some(hash)).await.unwrap();
        let rehashed = verdict.rehashed.unwrap();
        assert!(verdict.matches && rehashed.starts_with("$argon2id$v=19$m=128,"), "{rehashed}");
        assert!(strong.verify(secret("correct horse"), Some(rehashed)).await.unwrap().matches);
        let refused = strong.hash(secret("password"), email, "/password").await;
        assert!(matches!(refused, Err(Error::Invalid { pointer: "/password", .. })));
    }

    #[tokio::test]
    async fn a_breached_password_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pwned.txt");
        // SHA-1 of "correct horse".
        std::fs::write(&file, "2F9E53523B62ABC141A2B4D6019D23CBA835DBD0:7\n").unwrap();
        let config = Config {
            argon2_memory_kib: 64,
            argon2_iterations: 1,
            breached_passwords: file,
            ..Config::default()
        };
        let passwords = Passwords::new(&config, PlaceWords::new("")).unwrap();
        let email = Email::parse("ada@example.org").unwrap();
        let refused = passwords.hash(secret("correct horse"), email.clone(), "/password").await;
        assert!(matches!(refused, Err(Error::Invalid { pointer: "/password", .. })));
        assert!(passwords.hash(secret("correct horses"), email, "/password").await.is_ok());
    }

    #[tokio::test]
    async fn the_line_has_an_end() {
        let config = Config { argon2_memory_kib: 64, hash_queue_max: 1, ..Config::default() };
        let passwords = Passwords::new(&config, PlaceWords::new("")).unwrap();
        // As one whose password is being hashed.
        let first = Place::take(&passwords.0).unwrap();
        assert!(matches!(passwords.verify(secret("x"), None).await, Err(Error::Busy)));
        drop(first);
        assert!(passwords.verify(secret("x"), None).await.is_ok());
    }
}
