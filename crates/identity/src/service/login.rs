use kernel::{Secret, SessionId, UserId, WorkspaceId};
use serde_json::json;

use super::{Identity, TokenPair, throttle::Attempt};
use crate::{
    error::Error,
    model::{
        Account, Email, Membership, NewEntry, RefreshState, Session, SessionKind, Token, Visit, methods,
    },
    store::{self, sessions::Proof},
};

/// A session whose proof is a cookie.
pub(crate) struct BrowserSession {
    pub(crate) id: SessionId,
    pub(crate) cookie: Token,
}

/// An account whose owner just showed the password.
struct Proven {
    account: Account,
    attempt: Attempt,
    rehashed: Option<String>,
}

impl Identity {
    /// Signs a program in: an access token and a refresh token. Empty scopes mean all that the user may.
    pub(crate) async fn sign_in(
        &self,
        visit: &Visit,
        email: &str,
        password: Secret<String>,
        scopes: Vec<String>,
    ) -> Result<TokenPair, Error> {
        let proven = self.prove(visit, email, password).await?;
        let token = Token::random(&mut rand::rng());
        let refresh = RefreshState::new(&token);
        let (session, membership) = self.open(visit, proven, scopes, Proof::Refresh(&refresh)).await?;
        self.0.tokens.pair(&session, &membership, &token, visit.now)
    }

    /// Signs a browser in.
    pub(crate) async fn sign_in_browser(
        &self,
        visit: &Visit,
        email: &str,
        password: Secret<String>,
    ) -> Result<BrowserSession, Error> {
        let proven = self.prove(visit, email, password).await?;
        let cookie = Token::random(&mut rand::rng());
        let (session, _) = self.open(visit, proven, Vec::new(), Proof::Cookie(cookie.hash())).await?;
        Ok(BrowserSession { id: session.id, cookie })
    }

    /// The same work, time and answer whether the address is unknown, the password wrong or the account disabled.
    async fn prove(&self, visit: &Visit, typed: &str, password: Secret<String>) -> Result<Proven, Error> {
        let email = Email::parse(typed);
        let (account, known_address) = self.look_up(visit, email.as_ref()).await?;
        let bucket = email.as_ref().map_or("no address", Email::key);
        let attempt = Attempt::new(bucket, visit.address, known_address);
        self.0.throttle.take(&attempt).await.inspect_err(|_| count("throttled"))?;

        let hash = account.as_ref().and_then(|account| account.password_hash.clone());
        let verdict = self.0.passwords.verify(password, hash).await?;
        match account {
            Some(account) if verdict.matches && account.may_sign_in() => {
                Ok(Proven { account, attempt, rehashed: verdict.rehashed })
            }
            other => {
                self.record_failure(visit, email, other).await?;
                Err(Error::BadCredentials)
            }
        }
    }

    async fn look_up(&self, visit: &Visit, email: Option<&Email>) -> Result<(Option<Account>, bool), Error> {
        let Some(email) = email else { return Ok((None, false)) };
        let mut tx = self.0.db.read().await?;
        let account = store::users::find_account(&mut tx, email).await?;
        let known = match (&account, visit.address) {
            (Some(account), Some(address)) => {
                let address = address.to_string();
                store::sessions::signed_in_from(&mut tx, account.user.id, &address, visit.now).await?
            }
            _ => false,
        };
        Ok((account, known))
    }

    async fn record_failure(
        &self,
        visit: &Visit,
        email: Option<Email>,
        account: Option<Account>,
    ) -> Result<(), Error> {
        count("refused");
        tracing::info!(address = ?visit.address, "log-in refused");
        let workspace = match &account {
            Some(account) => Some(account.user.home),
            None => self.default_workspace().await?,
        };
        // Before the first run there is nobody to tell.
        let Some(workspace) = workspace else { return Ok(()) };
        let mut entry = NewEntry::during(visit, workspace, "identity.login-failed");
        // What is no address may be a password typed into the wrong field: it is not kept.
        entry.actor_email = email.map(|email| email.shown().to_owned());
        entry.target = account.map(|account| account.user.id.to_string());
        let mut tx = self.0.db.begin().await?;
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn open(
        &self,
        visit: &Visit,
        proven: Proven,
        scopes: Vec<String>,
        proof: Proof<'_>,
    ) -> Result<(Session, Membership), Error> {
        let Proven { account, attempt, rehashed } = proven;
        let user = account.user.id;
        let mut tx = self.0.db.begin().await?;
        // The hash took a while: the account may have been disabled, or its password changed, since it was read.
        let now_stored = store::users::find_account_by_id(&mut tx, user).await?;
        let unchanged = now_stored
            .is_some_and(|stored| stored.may_sign_in() && stored.password_hash == account.password_hash);
        if !unchanged {
            return Err(Error::BadCredentials);
        }
        let memberships = self.memberships(&mut tx, user).await?;
        let membership = choose(memberships, account.user.home).ok_or(Error::NoWorkspace)?;
        let kind = match proof {
            Proof::Cookie(_) => SessionKind::Browser,
            Proof::Refresh(_) => SessionKind::Program,
        };
        let session = self.new_session(visit, kind, user, membership.workspace.id, scopes);
        store::sessions::insert(&mut tx, &session, proof).await?;
        store::users::save_login(&mut tx, user, visit.now).await?;
        if let (Some(old), Some(new)) = (&account.password_hash, &rehashed) {
            store::users::rehash(&mut tx, user, old, new).await?;
        }
        let entry = NewEntry::during(visit, membership.workspace.id, "identity.login")
            .actor(user)
            .target(session.id)
            .detail(json!({ "device": session.device }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.throttle.give_back(&attempt).await;
        count("ok");
        Ok((session, membership))
    }

    /// A session that begins now, by a password.
    pub(super) fn new_session(
        &self,
        visit: &Visit,
        kind: SessionKind,
        user: UserId,
        workspace: WorkspaceId,
        scopes: Vec<String>,
    ) -> Session {
        Session {
            id: SessionId::new(visit.now),
            kind,
            client: None,
            methods: vec![methods::PASSWORD.to_owned()],
            authenticated_at: visit.now,
            user,
            workspace,
            scopes,
            device: visit.device.clone(),
            address: visit.address.map(|address| address.to_string()),
            created_at: visit.now,
            last_seen_at: visit.now,
            expires_at: self.0.times.expiry(visit.now, visit.now),
            ended_at: None,
        }
    }

    /// The installation's first workspace, once there is one.
    pub async fn default_workspace(&self) -> Result<Option<WorkspaceId>, Error> {
        if let Some(known) = self.0.first_workspace.get() {
            return Ok(Some(*known));
        }
        let mut tx = self.0.db.read().await?;
        let first = store::workspaces::find_first(&mut tx).await?.map(|workspace| workspace.id);
        if let Some(first) = first {
            // Another request may have set the same value meanwhile.
            let _ = self.0.first_workspace.set(first);
        }
        Ok(first)
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("identity_login_total", "outcome" => outcome).increment(1);
}

/// The wanted workspace if the user is in it, else their first.
pub(super) fn choose(memberships: Vec<Membership>, wanted: WorkspaceId) -> Option<Membership> {
    let found = memberships.iter().position(|membership| membership.workspace.id == wanted).unwrap_or(0);
    memberships.into_iter().nth(found)
}
