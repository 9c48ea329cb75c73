use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::SignedDuration;
use kernel::{Ctx, Grants, SessionId, Timestamp, WorkspaceId};
use moka::sync::Cache;
use platform::{Platform, Spawner};
use redislink::{Notice, RedisLink};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::Identity;
use crate::{
    config::Config,
    error::Error,
    model::{Hash, Membership, Session, SessionKind, Token, User, Visit},
    policy, store,
};

/// A live session with all that a request needs to know of its user.
pub(crate) struct SignedIn {
    pub(crate) session: Session,
    pub(crate) user: User,
    /// Never empty, the oldest first.
    pub(crate) memberships: Vec<Membership>,
    /// The policy asks for a second factor that the user lacks: they may set one up, and nothing else.
    pub(crate) needs_second_factor: bool,
}

impl SignedIn {
    pub(crate) fn membership(&self, workspace: WorkspaceId) -> Option<&Membership> {
        self.memberships.iter().find(|membership| membership.workspace.id == workspace)
    }

    /// The session's workspace, or the user's first if they are no longer in that one.
    pub(crate) fn current(&self) -> &Membership {
        self.membership(self.session.workspace).unwrap_or(&self.memberships[0])
    }
}

/// Live sessions as they were read a moment ago. Whatever changes one (a log-out, a role, a disabled user) counts the
/// epoch up after its commit, and entries of earlier epochs are read anew: this process sees its own changes at once,
/// those of others as soon as Redis tells of them, and in any case when the entries are too old.
pub(super) struct LiveSessions {
    entries: Cache<Key, Entry>,
    epoch: AtomicU64,
    age_max: SignedDuration,
    /// Held while a session is read; which one is up to the key's hash.
    reading: Box<[Mutex<()>]>,
    hasher: RandomState,
    redis: RedisLink,
    spawner: Spawner,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Session(SessionId),
    Cookie([u8; 32]),
}

#[derive(Clone)]
struct Entry {
    signed_in: Arc<SignedIn>,
    epoch: u64,
    read_at: Timestamp,
}

/// Entries kept at most; some kilobytes each.
const ENTRIES_MAX: u64 = 10_000;
/// Sessions that can be read without one waiting for another by chance.
const READING: usize = 256;
/// Where processes tell each other that something changed; there is nothing in the message.
const CHANGED: &str = "identity.sessions-changed";
/// A session's last use is noted no more often than this.
const SEEN_EVERY: SignedDuration = SignedDuration::from_mins(1);

impl LiveSessions {
    pub(super) fn new(config: &Config, platform: &Platform) -> Self {
        Self {
            entries: Cache::new(ENTRIES_MAX),
            epoch: AtomicU64::new(0),
            age_max: SignedDuration::from_millis(config.session_cache_ms.into()),
            reading: (0..READING).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            redis: platform.redis.clone(),
            spawner: platform.spawner.clone(),
        }
    }

    /// Something that sessions show has changed. To be called after the commit.
    pub(super) fn changed(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        if self.redis.is_configured() {
            let redis = self.redis.clone();
            // Without Redis for a moment, the entries' age is what others have.
            let telling = async move { drop(redis.publish(CHANGED, b"").await) };
            self.spawner.spawn("identity.tell_of_sessions", telling);
        }
    }

    fn get(&self, key: &Key, now: Timestamp) -> Option<Arc<SignedIn>> {
        let entry = self.entries.get(key)?;
        let fresh = self.is_fresh(entry.epoch, entry.read_at, now) && entry.signed_in.session.is_live(now);
        fresh.then_some(entry.signed_in)
    }

    /// May what was read then, in that epoch, still be believed?
    pub(super) fn is_fresh(&self, epoch: u64, read_at: Timestamp, now: Timestamp) -> bool {
        epoch == self.epoch() && now.duration_since(read_at).abs() <= self.age_max
    }

    /// Counts the changes that this process knows of.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    fn reading(&self, key: &Key) -> &Mutex<()> {
        let hash = usize::try_from(self.hasher.hash_one(key) % READING as u64).unwrap_or(0);
        &self.reading[hash]
    }
}

impl Identity {
    /// The session, user and workspace of an access token.
    pub(crate) async fn by_access_token(
        &self,
        token: &str,
        visit: &Visit,
    ) -> Result<(Ctx, Arc<SignedIn>), Error> {
        let claims = self.read_access(token, visit.now).await?;
        let signed_in = self.live(Key::Session(claims.sid), visit.now).await?.ok_or(Error::SessionEnded)?;
        if signed_in.user.id != claims.user() {
            return Err(Error::TokenRefused);
        }
        let membership = signed_in.membership(claims.ws).ok_or(Error::TokenRefused)?;
        let ctx = of_session(&signed_in, membership, claims.scopes(), visit);
        Ok((ctx, signed_in))
    }

    /// The session and user of a browser's cookie.
    pub(crate) async fn by_cookie(&self, cookie: &str, visit: &Visit) -> Result<(Ctx, Arc<SignedIn>), Error> {
        let cookie = Token::parse(cookie).ok_or(Error::SessionEnded)?;
        let key = Key::Cookie(*cookie.hash().bytes());
        let signed_in = self.live(key, visit.now).await?.ok_or(Error::SessionEnded)?;
        let scopes = signed_in.session.scopes.iter().map(String::as_str);
        let ctx = of_session(&signed_in, signed_in.current(), scopes, visit);
        Ok((ctx, signed_in))
    }

    /// A session by its id, for one that was just opened or changed.
    pub(crate) async fn by_session(&self, id: SessionId, now: Timestamp) -> Result<Arc<SignedIn>, Error> {
        self.live(Key::Session(id), now).await?.ok_or(Error::SessionEnded)
    }

    /// A page that asks for much at once reads its session once: who comes second waits for the first, and reads only if
    /// that failed.
    async fn live(&self, key: Key, now: Timestamp) -> Result<Option<Arc<SignedIn>>, Error> {
        let live = &self.0.live;
        if let Some(signed_in) = live.get(&key, now) {
            return Ok(Some(signed_in));
        }
        let reading = live.reading(&key);
        let _first = match reading.try_lock() {
            Ok(first) => Some(first),
            Err(_) => {
                drop(reading.lock().await);
                None
            }
        };
        if let Some(signed_in) = live.get(&key, now) {
            return Ok(Some(signed_in));
        }
        // Before reading: what changes meanwhile makes the entry old from the start.
        let epoch = live.epoch();
        let Some(signed_in) = self.read(&key, now).await? else { return Ok(None) };
        let signed_in = Arc::new(signed_in);
        self.note_use(&signed_in.session, now);
        live.entries.insert(key, Entry { signed_in: signed_in.clone(), epoch, read_at: now });
        Ok(Some(signed_in))
    }

    /// Hears of what other processes change, until told to stop.
    pub(crate) async fn follow_sessions(self, stop: CancellationToken) {
        if let Err(error) = self.adopt_chains().await {
            tracing::warn!(%error, "the audit log of an earlier release could not be taken over yet");
        }
        let live = &self.0.live;
        let mut changes = live.redis.subscribe(CHANGED);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                // After an outage too: what was told meanwhile was not heard.
                notice = changes.recv() => if notice != Notice::Lost {
                    live.epoch.fetch_add(1, Ordering::SeqCst);
                },
            }
        }
    }

    async fn read(&self, key: &Key, now: Timestamp) -> Result<Option<SignedIn>, Error> {
        let mut tx = self.0.db.read().await?;
        let session = match key {
            Key::Session(id) => store::sessions::find(&mut tx, *id).await?,
            Key::Cookie(bytes) => match Hash::from_bytes(bytes) {
                Some(hash) => store::sessions::find_by_cookie(&mut tx, &hash).await?,
                None => None,
            },
        };
        let Some(session) = session.filter(|session| session.is_live(now)) else { return Ok(None) };
        let account = store::users::find_account_by_id(&mut tx, session.user).await?;
        let Some(account) = account.filter(|account| account.may_sign_in()) else { return Ok(None) };
        let memberships = self.memberships(&mut tx, session.user).await?;
        if memberships.is_empty() {
            return Ok(None);
        }
        let asked = session.kind != SessionKind::Service
            && policy::asks_second_factor(&self.0.settings, &memberships);
        let needs_second_factor = asked && !store::factors::count(&mut tx, session.user).await?.any();
        Ok(Some(SignedIn { session, user: account.user, memberships, needs_second_factor }))
    }

    /// In the background: a reader must not wait for the writer.
    fn note_use(&self, session: &Session, now: Timestamp) {
        if now.duration_since(session.last_seen_at) < SEEN_EVERY {
            return;
        }
        let (identity, session) = (self.clone(), session.clone());
        self.0.spawner.spawn("identity.note_use", async move {
            // Clients and services keep theirs by their refresh tokens and secrets.
            let expires_at = if session.is_own() {
                identity.0.times.expiry(session.created_at, now)
            } else {
                session.expires_at
            };
            let noted: Result<(), Error> = async {
                let mut tx = identity.0.db.begin().await?;
                store::sessions::touch(&mut tx, &session, now, expires_at).await?;
                tx.commit().await?;
                Ok(())
            }
            .await;
            if let Err(error) = noted {
                tracing::warn!(session.id = %session.id, error = %error, "could not note that a session was used");
            }
        });
    }
}

fn of_session<'s>(
    signed_in: &SignedIn,
    membership: &Membership,
    scopes: impl Iterator<Item = &'s str>,
    visit: &Visit,
) -> Ctx {
    let ctx = ctx(&signed_in.user, membership, scopes, visit);
    Ctx { session: Some(signed_in.session.id), ..ctx }
}

/// A user at work in a workspace, by no credential yet. No scopes: all that the user may there.
pub(super) fn ctx<'s>(
    user: &User,
    membership: &Membership,
    scopes: impl Iterator<Item = &'s str>,
    visit: &Visit,
) -> Ctx {
    let mut scopes = scopes.map(str::to_owned).peekable();
    let grants = if scopes.peek().is_none() {
        membership.grants.clone()
    } else {
        Arc::new(Grants::clone(&membership.grants).narrowed(scopes))
    };
    Ctx {
        actor: kernel::Actor::User(user.id),
        session: None,
        api_key: None,
        workspace: membership.workspace.id,
        request_id: visit.request_id.clone(),
        now: visit.now,
        locale: user.locale.unwrap_or(visit.locale),
        address: visit.address,
        grants,
        // The door that asked fills it in.
        trace_parent: None,
    }
}
