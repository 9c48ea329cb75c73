use jiff::SignedDuration;
use kernel::{Allow, SessionId, Timestamp, UserId};
use serde_json::json;

use super::{Identity, api_keys::name, users::lock};
use crate::{
    error::Error,
    model::{
        KeyKind, KeyText, NewEntry, ServiceAccount, ServiceSecret, ServiceSecretId, Session, SessionKind,
        User, UserKind, Visit,
    },
    permissions::{ReadServiceAccounts, WriteServiceAccounts},
    store::{self, sessions::Proof},
};

/// Secrets that work at the same time, so that each can be replaced without a pause.
const SECRETS_MAX: usize = 10;

pub(crate) struct NewServiceAccount {
    pub(crate) name: String,
    pub(crate) role: String,
    /// Empty: all that the role may.
    pub(crate) scopes: Vec<String>,
}

/// `None` leaves it.
#[derive(Default)]
pub(crate) struct ServiceAccountChange {
    pub(crate) name: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) is_active: Option<bool>,
}

/// What a service account gets for its secret.
pub(crate) struct ServiceToken {
    pub(crate) access: String,
    pub(crate) expires_in_s: u32,
    pub(crate) scopes: Vec<String>,
}

impl Identity {
    /// Some of the workspace's service accounts, the oldest first, and how many there are.
    pub(crate) async fn list_service_accounts(
        &self,
        allow: &Allow<ReadServiceAccounts>,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<ServiceAccount>, u64), Error> {
        let mut tx = self.0.db.read().await?;
        let total = store::service_accounts::count(&mut tx, allow.workspace).await?;
        Ok((store::service_accounts::list(&mut tx, allow.workspace, limit, offset).await?, total))
    }

    /// One account with its secrets.
    pub(crate) async fn get_service_account(
        &self,
        allow: &Allow<ReadServiceAccounts>,
        id: UserId,
    ) -> Result<(ServiceAccount, Vec<ServiceSecret>), Error> {
        let mut tx = self.0.db.read().await?;
        let found = store::service_accounts::find(&mut tx, allow.workspace, id).await?;
        let found = found.ok_or(Error::UserNotFound(id))?;
        Ok((found, store::service_accounts::list_secrets(&mut tx, id).await?))
    }

    pub(crate) async fn create_service_account(
        &self,
        allow: &Allow<WriteServiceAccounts>,
        new: NewServiceAccount,
    ) -> Result<ServiceAccount, Error> {
        let id = UserId::new(allow.now);
        let mut account = ServiceAccount {
            user: id,
            workspace: allow.workspace,
            name: name(&new.name)?,
            scopes: self.known_scopes(new.scopes)?,
            role: new.role,
            is_active: true,
            created_at: allow.now,
            last_used_at: None,
        };
        let user = User {
            id,
            kind: UserKind::Service,
            home: allow.workspace,
            // RFC 2606 §2: no mail reaches it.
            email: format!("{id}@service.invalid"),
            first_name: account.name.clone(),
            last_name: String::new(),
            locale: None,
            is_active: true,
            is_verified: true,
            created_at: allow.now,
            updated_at: allow.now,
            last_login_at: None,
            deleted_at: None,
            pending_email: None,
        };
        let mut tx = self.0.db.begin().await?;
        lock(&mut tx, allow).await?;
        account.role = self.giveable(&mut tx, allow, &account.role).await?.name;
        store::service_accounts::insert_user(&mut tx, &user).await?;
        store::service_accounts::insert(&mut tx, &account).await?;
        store::workspaces::insert_membership(&mut tx, allow.workspace, id, &account.role, allow.now).await?;
        let entry =
            NewEntry::by(allow, "identity.service-account-created").target(id).detail(shown(&account));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(account)
    }

    /// Tokens that it holds follow the change: a narrower role counts at once, other scopes and a disabled account end
    /// them.
    pub(crate) async fn update_service_account(
        &self,
        allow: &Allow<WriteServiceAccounts>,
        id: UserId,
        change: ServiceAccountChange,
    ) -> Result<ServiceAccount, Error> {
        let mut tx = self.0.db.begin().await?;
        lock(&mut tx, allow).await?;
        let before = store::service_accounts::find(&mut tx, allow.workspace, id).await?;
        let before = before.ok_or(Error::UserNotFound(id))?;
        // Who holds more than the caller is not the caller's to manage.
        self.giveable(&mut tx, allow, &before.role).await?;
        let mut after = before.clone();
        if let Some(new) = &change.name {
            after.name = name(new)?;
        }
        if let Some(scopes) = change.scopes {
            after.scopes = self.known_scopes(scopes)?;
        }
        if let Some(role) = &change.role {
            after.role = self.giveable(&mut tx, allow, role).await?.name;
        }
        after.is_active = change.is_active.unwrap_or(after.is_active);
        store::service_accounts::save(&mut tx, &after, allow.now).await?;
        if after.role != before.role {
            let roles = std::slice::from_ref(&after.role);
            store::workspaces::save_membership(&mut tx, allow.workspace, id, roles).await?;
        }
        if !after.is_active || after.scopes != before.scopes {
            store::sessions::end_all(&mut tx, id, None, "service account changed", allow.now).await?;
        }
        let entry = NewEntry::by(allow, "identity.service-account-updated")
            .target(id)
            .detail(json!({ "before": shown(&before), "after": shown(&after) }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(after)
    }

    /// Its secrets and tokens are refused from now on.
    pub(crate) async fn delete_service_account(
        &self,
        allow: &Allow<WriteServiceAccounts>,
        id: UserId,
    ) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        let found = store::service_accounts::find(&mut tx, allow.workspace, id).await?;
        let found = found.ok_or(Error::UserNotFound(id))?;
        self.giveable(&mut tx, allow, &found.role).await?;
        store::service_accounts::delete(&mut tx, id, allow.now).await?;
        store::sessions::end_all(&mut tx, id, None, "service account deleted", allow.now).await?;
        let entry = NewEntry::by(allow, "identity.service-account-deleted").target(id).detail(shown(&found));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }

    /// A further secret, told this once.
    pub(crate) async fn create_service_secret(
        &self,
        allow: &Allow<WriteServiceAccounts>,
        id: UserId,
        expires_at: Option<Timestamp>,
    ) -> Result<(ServiceSecret, KeyText), Error> {
        if expires_at.is_some_and(|at| at <= allow.now) {
            return Err(Error::Invalid { pointer: "/expires_at", reason: "is over already".to_owned() });
        }
        let text = KeyText::random(KeyKind::Client, &mut rand::rng());
        let secret = ServiceSecret {
            id: ServiceSecretId::new(allow.now),
            user: id,
            prefix: text.prefix(),
            session: None,
            created_at: allow.now,
            expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        let mut tx = self.0.db.begin().await?;
        let found = store::service_accounts::find(&mut tx, allow.workspace, id).await?;
        let found = found.ok_or(Error::UserNotFound(id))?;
        self.giveable(&mut tx, allow, &found.role).await?;
        if store::service_accounts::list_secrets(&mut tx, id).await?.len() >= SECRETS_MAX {
            return Err(Error::TooMany("ten secrets"));
        }
        store::service_accounts::insert_secret(&mut tx, &secret, &text.hash()).await?;
        let entry = NewEntry::by(allow, "identity.service-secret-created")
            .target(id)
            .detail(json!({ "secret": secret.id, "prefix": secret.prefix, "expires_at": expires_at }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        Ok((secret, text))
    }

    /// The secret, and the tokens that it got, are refused from now on.
    pub(crate) async fn revoke_service_secret(
        &self,
        allow: &Allow<WriteServiceAccounts>,
        id: UserId,
        secret: ServiceSecretId,
    ) -> Result<(), Error> {
        let not_found = || Error::SecretNotFound(secret.to_string());
        let mut tx = self.0.db.begin().await?;
        store::service_accounts::find(&mut tx, allow.workspace, id).await?.ok_or_else(not_found)?;
        let revoked = store::service_accounts::revoke_secret(&mut tx, id, secret, allow.now).await?;
        if let Some(session) = revoked.ok_or_else(not_found)?.session {
            store::sessions::end(&mut tx, id, session, "secret revoked", allow.now).await?;
        }
        let entry = NewEntry::by(allow, "identity.service-secret-revoked")
            .target(id)
            .detail(json!({ "secret": secret }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }

    /// Is it one of the account's secrets?
    pub(super) async fn is_service_secret(
        &self,
        visit: &Visit,
        id: &str,
        secret: &str,
    ) -> Result<bool, Error> {
        let (Ok(id), Some(text)) = (id.parse::<UserId>(), KeyText::parse(KeyKind::Client, secret)) else {
            return Ok(false);
        };
        let mut tx = self.0.db.read().await?;
        let account =
            store::service_accounts::find_any(&mut tx, id).await?.filter(|account| account.is_active);
        let secret = store::service_accounts::find_secret(&mut tx, id, &text.hash()).await?;
        Ok(account.is_some() && secret.is_some_and(|secret| secret.is_live(visit.now)))
    }

    /// RFC 6749 §4.4: an access token for a secret, without a refresh token. Tokens of one secret share a session, so that
    /// they end together with it. `None`: the credentials do not count; `asked` must be among the account's scopes.
    pub(crate) async fn service_token(
        &self,
        visit: &Visit,
        id: &str,
        secret: &str,
        asked: &[String],
    ) -> Result<Option<ServiceToken>, Error> {
        let (Ok(id), Some(text)) = (id.parse::<UserId>(), KeyText::parse(KeyKind::Client, secret)) else {
            return Ok(None);
        };
        let mut tx = self.0.db.begin().await?;
        let account =
            store::service_accounts::find_any(&mut tx, id).await?.filter(|account| account.is_active);
        let secret = store::service_accounts::find_secret(&mut tx, id, &text.hash()).await?;
        let (Some(account), Some(secret)) = (account, secret.filter(|secret| secret.is_live(visit.now)))
        else {
            return Ok(None);
        };
        let memberships = self.memberships(&mut tx, id).await?;
        let Some(membership) = memberships.into_iter().find(|found| found.workspace.id == account.workspace)
        else {
            return Ok(None);
        };
        let scopes = narrowed(&account.scopes, asked).ok_or(Error::Invalid {
            pointer: "/scope",
            reason: "goes beyond the service account".to_owned(),
        })?;
        let live = match secret.session {
            Some(session) => store::sessions::find(&mut tx, session).await?,
            None => None,
        };
        let expires_at = visit.now + SignedDuration::from_secs(self.config().access_ttl_s.into());
        let session = match live.filter(|session| session.is_live(visit.now)) {
            Some(session) => {
                store::sessions::touch(&mut tx, &session, visit.now, expires_at.max(session.expires_at))
                    .await?;
                session
            }
            None => {
                let session = service_session(&account, visit, expires_at);
                store::sessions::insert(&mut tx, &session, Proof::AccessOnly).await?;
                session
            }
        };
        store::service_accounts::save_use(&mut tx, &secret, session.id, visit.now).await?;
        if secret.session != Some(session.id) {
            let entry = NewEntry::during(visit, account.workspace, "identity.service-signed-in")
                .actor(id)
                .target(session.id)
                .detail(json!({ "secret": secret.id, "device": visit.device }));
            self.write_down(&mut tx, entry).await?;
        }
        tx.commit().await?;
        let access = self.access_token(&session, &membership, &scopes, visit.now).await?;
        Ok(Some(ServiceToken { access, expires_in_s: self.config().access_ttl_s, scopes }))
    }
}

/// What is asked for, if it is within `held`, where an empty list is everything.
pub(super) fn narrowed(held: &[String], asked: &[String]) -> Option<Vec<String>> {
    if asked.is_empty() {
        return Some(held.to_vec());
    }
    let within = held.is_empty() || asked.iter().all(|scope| held.contains(scope));
    within.then(|| asked.to_vec())
}

fn service_session(account: &ServiceAccount, visit: &Visit, expires_at: Timestamp) -> Session {
    Session {
        id: SessionId::new(visit.now),
        kind: SessionKind::Service,
        client: Some(account.user.to_string()),
        audience: None,
        methods: Vec::new(),
        authenticated_at: visit.now,
        user: account.user,
        workspace: account.workspace,
        scopes: account.scopes.clone(),
        device: visit.device.clone(),
        address: visit.address.map(|address| address.to_string()),
        created_at: visit.now,
        last_seen_at: visit.now,
        expires_at,
        ended_at: None,
    }
}

/// What the audit log says of an account.
fn shown(account: &ServiceAccount) -> serde_json::Value {
    json!({
        "name": account.name,
        "role": account.role,
        "scopes": account.scopes,
        "is_active": account.is_active,
    })
}
