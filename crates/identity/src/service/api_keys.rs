use std::{collections::BTreeSet, sync::Arc};

use jiff::SignedDuration;
use kernel::{Allow, ApiKeyId, Ctx, Timestamp, UserId};
use moka::sync::Cache;
use serde_json::json;

use super::{Identity, SignedIn, live};
use crate::{
    error::Error,
    model::{ApiKey, KeyKind, KeyText, Membership, NewEntry, User, Visit},
    permissions::WriteUsers,
    policy, store,
};

/// A live API key with all that a request needs to know of its owner.
pub(crate) struct KeyHolder {
    pub(crate) key: ApiKey,
    pub(crate) user: User,
    /// In the key's workspace, the only one where it works.
    pub(crate) membership: Membership,
}

/// Keys as they were read a moment ago; they grow old as sessions do (see `live`).
pub(super) struct LiveKeys {
    entries: Cache<[u8; 32], Entry>,
}

#[derive(Clone)]
struct Entry {
    holder: Arc<KeyHolder>,
    epoch: u64,
    read_at: Timestamp,
}

const ENTRIES_MAX: u64 = 10_000;
/// A key's last use is noted no more often than this.
const SEEN_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// Keys of one person.
const KEYS_MAX: u64 = 100;
const NAME_CHARS_MAX: usize = 100;
const SCOPES_MAX: usize = 200;

impl LiveKeys {
    pub(super) fn new() -> Self {
        Self { entries: Cache::new(ENTRIES_MAX) }
    }
}

/// A key to be made.
pub(crate) struct NewApiKey {
    pub(crate) name: String,
    /// Empty: all that the owner may.
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_at: Option<Timestamp>,
}

impl Identity {
    /// Makes a key of the caller's for their present workspace; its text is told this once. Asks for a session of the
    /// user's own, lately confirmed: a key lives longer than the session that made it.
    pub(crate) async fn create_api_key(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
        new: NewApiKey,
    ) -> Result<(ApiKey, KeyText), Error> {
        self.require_recent(signed_in, ctx.now)?;
        self.insert_api_key(ctx, signed_in.user.id, new).await
    }

    /// The same from the command line, for a member of the workspace.
    pub(crate) async fn create_api_key_for(
        &self,
        allow: &Allow<WriteUsers>,
        user: UserId,
        new: NewApiKey,
    ) -> Result<(ApiKey, KeyText), Error> {
        self.insert_api_key(allow, user, new).await
    }

    async fn insert_api_key(
        &self,
        ctx: &Ctx,
        user: UserId,
        new: NewApiKey,
    ) -> Result<(ApiKey, KeyText), Error> {
        if new.expires_at.is_some_and(|at| at <= ctx.now) {
            return Err(Error::Invalid { pointer: "/expires_at", reason: "is over already".to_owned() });
        }
        let text = KeyText::random(KeyKind::Personal, &mut rand::rng());
        let key = ApiKey {
            id: ApiKeyId::new(ctx.now),
            user,
            workspace: ctx.workspace,
            name: name(&new.name)?,
            prefix: text.prefix(),
            scopes: self.known_scopes(new.scopes)?,
            created_at: ctx.now,
            expires_at: new.expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        let mut tx = self.0.db.begin().await?;
        if store::api_keys::count(&mut tx, user).await? >= KEYS_MAX {
            return Err(Error::TooMany("a hundred API keys"));
        }
        store::api_keys::insert(&mut tx, &key, &text.hash()).await?;
        let detail = json!({ "name": key.name, "prefix": key.prefix, "scopes": key.scopes, "expires_at": key.expires_at });
        let entry = NewEntry::by(ctx, "identity.api-key-created").target(key.id).detail(detail);
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        Ok((key, text))
    }

    /// Some of a person's keys, the newest first, and how many there are.
    pub(crate) async fn list_api_keys(
        &self,
        user: UserId,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<ApiKey>, u64), Error> {
        let mut tx = self.0.db.read().await?;
        let total = store::api_keys::count(&mut tx, user).await?;
        Ok((store::api_keys::list(&mut tx, user, limit, offset).await?, total))
    }

    /// From now on nobody gets in by the key.
    pub(crate) async fn revoke_api_key(&self, ctx: &Ctx, user: UserId, id: ApiKeyId) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        if !store::api_keys::revoke(&mut tx, user, id, ctx.now).await? {
            return Err(Error::ApiKeyNotFound(id));
        }
        self.write_down(&mut tx, NewEntry::by(ctx, "identity.api-key-revoked").target(id)).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }

    /// Who shows a key, and what it may do.
    pub(crate) async fn by_api_key(&self, text: &str, visit: &Visit) -> Result<(Ctx, Arc<KeyHolder>), Error> {
        let text = KeyText::parse(KeyKind::Personal, text).ok_or(Error::TokenRefused)?;
        let holder = self.holder(&text, visit.now).await?.ok_or(Error::TokenRefused)?;
        let scopes = holder.key.scopes.iter().map(String::as_str);
        let ctx = live::ctx(&holder.user, &holder.membership, scopes, visit);
        Ok((Ctx { api_key: Some(holder.key.id), ..ctx }, holder))
    }

    async fn holder(&self, text: &KeyText, now: Timestamp) -> Result<Option<Arc<KeyHolder>>, Error> {
        let (live, entries) = (&self.0.live, &self.0.api_keys.entries);
        let hash = text.hash();
        let fresh =
            |entry: &Entry| live.is_fresh(entry.epoch, entry.read_at, now) && entry.holder.key.is_live(now);
        if let Some(entry) = entries.get(hash.bytes()).filter(fresh) {
            return Ok(Some(entry.holder));
        }
        // Before reading: what changes meanwhile makes the entry old from the start.
        let epoch = live.epoch();
        let mut tx = self.0.db.read().await?;
        let key = store::api_keys::find_by_hash(&mut tx, &hash).await?;
        let Some(key) = key.filter(|key| key.is_live(now)) else { return Ok(None) };
        let account = store::users::find_account_by_id(&mut tx, key.user).await?;
        let Some(account) = account.filter(|account| account.may_sign_in()) else { return Ok(None) };
        let memberships = self.memberships(&mut tx, key.user).await?;
        let asked = policy::asks_second_factor(&self.0.settings, &memberships);
        if asked && !store::factors::count(&mut tx, key.user).await?.any() {
            return Err(Error::SecondFactorNeeded);
        }
        let found = memberships.into_iter().find(|membership| membership.workspace.id == key.workspace);
        let Some(membership) = found else { return Ok(None) };
        drop(tx);
        self.note_key_use(&key, now);
        let holder = Arc::new(KeyHolder { key, user: account.user, membership });
        entries.insert(*hash.bytes(), Entry { holder: holder.clone(), epoch, read_at: now });
        Ok(Some(holder))
    }

    /// In the background: a reader must not wait for the writer.
    fn note_key_use(&self, key: &ApiKey, now: Timestamp) {
        if key.last_used_at.is_some_and(|at| now.duration_since(at) < SEEN_EVERY) {
            return;
        }
        let (identity, id) = (self.clone(), key.id);
        self.0.spawner.spawn("identity.note_key_use", async move {
            let noted: Result<(), Error> = async {
                let mut tx = identity.0.db.begin().await?;
                store::api_keys::touch(&mut tx, id, now).await?;
                tx.commit().await?;
                Ok(())
            }
            .await;
            if let Err(error) = noted {
                tracing::warn!(api_key.id = %id, error = %error, "could not note that an API key was used");
            }
        });
    }

    /// Scopes without doubles, if each is `read`, `write` or the name of a permission.
    pub(super) fn known_scopes(&self, scopes: Vec<String>) -> Result<Vec<String>, Error> {
        let invalid = |reason: String| Error::Invalid { pointer: "/scopes", reason };
        if scopes.len() > SCOPES_MAX {
            return Err(invalid(format!("are more than {SCOPES_MAX}")));
        }
        let known = |name: &str| matches!(name, "read" | "write") || self.catalogue().knows(name);
        match scopes.iter().find(|name| !known(name)) {
            Some(unknown) => {
                let shown: String = unknown.chars().take(64).collect();
                Err(invalid(format!("{shown:?} is neither read, write nor the name of a permission")))
            }
            None => Ok(scopes.into_iter().collect::<BTreeSet<_>>().into_iter().collect()),
        }
    }
}

pub(super) fn name(text: &str) -> Result<String, Error> {
    let text = text.trim();
    let fine =
        !text.is_empty() && text.chars().count() <= NAME_CHARS_MAX && !text.chars().any(char::is_control);
    let reason = || format!("must be one line of 1 to {NAME_CHARS_MAX} characters");
    if fine { Ok(text.to_owned()) } else { Err(Error::Invalid { pointer: "/name", reason: reason() }) }
}
