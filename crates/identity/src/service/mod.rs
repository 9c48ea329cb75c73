//! What people and programs can do. Split by use case; [`Identity`] is the handle on all of it.

mod access;
mod answers;
mod api_keys;
mod audit;
mod audit_export;
mod audit_upkeep;
mod breached;
mod confirm;
mod deletion;
mod directory;
mod doors;
mod email_change;
mod first_run;
mod import;
mod invitations;
mod joining;
mod keys;
mod letters;
mod links;
mod live;
mod login;
mod members;
mod notices;
mod oauth;
mod passkeys;
mod passwords;
mod providers;
mod quotas;
mod refresh;
mod registration;
mod roles;
mod seal;
mod second_factor;
mod security;
mod service_accounts;
mod sessions;
mod signing;
mod throttle;
mod tokens;
mod totp;
mod users;
mod workspaces;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use db::Db;
use jiff::SignedDuration;
use jobs::Jobs;
use kernel::{Clock, UserId, WorkspaceId};
use platform::{BuildError, Manifest, Platform, Spawner};
use redislink::RedisLink;
use settings::RuntimeSettings;
use storage::Storage;
use tokio::sync::OnceCell;

pub(crate) use api_keys::{KeyHolder, NewApiKey};
pub(crate) use audit_export::{AuditFormat, written};
pub(crate) use confirm::Again;
pub(crate) use email_change::Side;
pub(crate) use first_run::FirstAdmin;
pub(crate) use import::Imported;
pub(crate) use invitations::NewInvitation;
pub(crate) use joining::Joining;
pub(crate) use live::SignedIn;
pub(crate) use login::{BrowserSession, Typed};
pub(crate) use notices::SECURITY_CHANGED;
pub(crate) use oauth::{
    Application, Authorization, AuthorizeQuery, ClientChange, ClientCredentials, ClientTokens, LogoutQuery,
    LogoutStep, NewClient, Question, Unfit,
};
pub(crate) use providers::{Arrival, LinkedProvider, Returned, Stranded, TRIP_TTL_S};
pub(crate) use quotas::{QUOTA_NEAR, Standing};
pub(crate) use registration::Registration;
pub(crate) use roles::{Granting, NewRole, RoleChange};
pub(crate) use second_factor::SecondFactor;
pub(crate) use security::Security;
pub(crate) use service_accounts::{NewServiceAccount, ServiceAccountChange};
pub(crate) use sessions::ProfileChange;
pub(crate) use signing::KEY_SET_AGE_S;
pub(crate) use tokens::TokenPair;
pub(crate) use totp::TotpSetup;
pub(crate) use users::{NewUser, UserChange};
pub(crate) use workspaces::WorkspaceChange;

use crate::{
    config::Config,
    error::Error,
    model::{Catalogue, ChainKey, PlaceWords, SessionTimes},
    store,
};

/// Accounts, sessions, roles, workspaces. Cheap to clone.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Arc<dyn Clock>,
    spawner: Spawner,
    config: Config,
    jobs: Jobs,
    settings: RuntimeSettings,
    /// A mail server is configured.
    sends_mail: bool,
    public_url: String,
    catalogue: Catalogue,
    redis: RedisLink,
    chain_key: ChainKey,
    /// No chain of the audit log is from an earlier release any more.
    adopted: AtomicBool,
    data: PathBuf,
    storage: Storage,
    tokens: tokens::Tokens,
    keyring: signing::Keyring,
    passwords: passwords::Passwords,
    passkeys: passkeys::Passkeys,
    providers: providers::Providers,
    throttle: throttle::Throttle,
    invites: invitations::Invites,
    doors: doors::Doors,
    quotas: quotas::Declared,
    bounds: quotas::Bounds,
    live: live::LiveSessions,
    api_keys: api_keys::LiveKeys,
    oauth_limits: oauth::OAuthLimits,
    times: SessionTimes,
    /// There is an account: once true, always true.
    settled: AtomicBool,
    first_workspace: OnceCell<WorkspaceId>,
}

impl Identity {
    /// `catalogue` holds the permissions of all modules, for what an administrator holds. Makes the signing key at the first start;
    /// an error when it cannot, or when a setting is wrong.
    pub(crate) fn new(
        platform: &Platform,
        config: Config,
        catalogue: Catalogue,
        manifests: &[&Manifest],
    ) -> Result<Self, BuildError> {
        let quotas = quotas::Declared::new(manifests, crate::QUOTAS);
        let faults = config.validate();
        anyhow::ensure!(faults.is_empty(), faults.join("; "));
        let secret = keys::secret(&config, &platform.data)?;
        let times = SessionTimes {
            idle: SignedDuration::from_secs(config.session_idle_s.into()),
            max: SignedDuration::from_secs(config.session_max_s.into()),
        };
        let public_url = platform.public_url.trim_end_matches('/').to_owned();
        Ok(Self(Arc::new(Inner {
            db: platform.db.clone(),
            clock: platform.clock.clone(),
            spawner: platform.spawner.clone(),
            catalogue,
            redis: platform.redis.clone(),
            tokens: tokens::Tokens::new(&config, &public_url, secret.expose())?,
            keyring: signing::Keyring::new(),
            passwords: passwords::Passwords::new(&config, PlaceWords::new(&public_url))?,
            public_url,
            providers: providers::Providers::new(
                &config,
                platform.public_url.trim_end_matches('/'),
                &platform.outbound,
            )?,
            chain_key: ChainKey::new(secret.expose().as_bytes()),
            adopted: AtomicBool::new(Self::was_adopted(&platform.data)),
            data: platform.data.clone(),
            storage: platform.storage.clone(),
            jobs: platform.jobs.clone(),
            settings: platform.settings.clone(),
            sends_mail: platform.sends_mail,
            passkeys: passkeys::Passkeys::new(&config, &platform.public_url),
            doors: doors::Doors::new(&config, &platform.limits)?,
            throttle: throttle::Throttle::new(&config, &platform.limits)?,
            invites: invitations::Invites::new(&config, &platform.limits)?,
            quotas,
            bounds: quotas::Bounds::default(),
            live: live::LiveSessions::new(&config, platform),
            api_keys: api_keys::LiveKeys::new(),
            oauth_limits: oauth::OAuthLimits::new(&platform.limits)?,
            times,
            settled: AtomicBool::new(false),
            first_workspace: OnceCell::new(),
            config,
        })))
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// Can mail go out?
    pub(crate) fn sends_mail(&self) -> bool {
        self.0.sends_mail
    }

    pub(crate) fn public_url(&self) -> &str {
        &self.0.public_url
    }

    /// Every permission that exists.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    /// What to call these users: their full name, else their e-mail address. Those that do not exist are left out.
    pub async fn names(&self, ids: &[UserId]) -> Result<HashMap<UserId, String>, Error> {
        let mut names = HashMap::new();
        let mut tx = self.0.db.read().await?;
        for some in ids.chunks(200) {
            let found = store::users::list_names(&mut tx, some).await?;
            names.extend(found.into_iter().map(|named| (named.id, named.name)));
        }
        Ok(names)
    }
}
