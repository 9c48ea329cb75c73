use kernel::{Secret, SessionId, UserId, WorkspaceId};
use serde_json::json;

use super::{Identity, TokenPair, notices::Change, second_factor::Shown, throttle::Attempt};
use crate::{
    error::Error,
    model::{
        Account, Email, Hash, Membership, NewEntry, RefreshState, Session, SessionKind, Token, Visit, methods,
    },
    store::{self, challenges::Purpose, sessions::Proof},
};

/// A session whose proof is a cookie.
pub(crate) struct BrowserSession {
    pub(crate) id: SessionId,
    pub(crate) cookie: Token,
}

/// An account whose owner just showed something that only they have.
pub(super) struct Proven {
    pub(super) account: Account,
    /// What was taken from the limits of log-ins and is given back when it was the owner.
    pub(super) attempt: Option<Attempt>,
    pub(super) rehashed: Option<String>,
    /// What they showed first, by [`methods`].
    pub(super) methods: Vec<String>,
    /// What they showed second; used up where the session begins.
    pub(super) shown: Option<Shown>,
}

/// The session that is to begin.
pub(super) struct Opening<'p> {
    pub(super) kind: SessionKind,
    pub(super) scopes: Vec<String>,
    pub(super) proof: Proof<'p>,
    /// The challenge that was answered: it is used up with it.
    pub(super) challenge: Option<(Hash, Purpose)>,
}

/// What somebody types to sign in.
pub(crate) struct Typed {
    pub(crate) email: String,
    pub(crate) password: Secret<String>,
    /// Of an authenticator app or for recovery: for clients that ask for everything at once.
    pub(crate) code: Option<Secret<String>>,
}

impl Identity {
    /// Signs a program in: an access token and a refresh token. Empty scopes mean all that the user may.
    pub(crate) async fn sign_in(
        &self,
        visit: &Visit,
        typed: Typed,
        scopes: Vec<String>,
    ) -> Result<TokenPair, Error> {
        let token = Token::random(&mut rand::rng());
        let refresh = RefreshState::new(&token);
        let proof = Proof::Refresh(&refresh);
        let opening = Opening { kind: SessionKind::Program, scopes, proof, challenge: None };
        let (session, membership) = self.sign_in_by_password(visit, typed, opening).await?;
        self.pair(&session, &membership, &token, visit.now).await
    }

    /// Signs a browser in.
    pub(crate) async fn sign_in_browser(&self, visit: &Visit, typed: Typed) -> Result<BrowserSession, Error> {
        let cookie = Token::random(&mut rand::rng());
        let proof = Proof::Cookie(cookie.hash());
        let opening = Opening { kind: SessionKind::Browser, scopes: Vec::new(), proof, challenge: None };
        let (session, _) = self.sign_in_by_password(visit, typed, opening).await?;
        Ok(BrowserSession { id: session.id, cookie })
    }

    async fn sign_in_by_password(
        &self,
        visit: &Visit,
        typed: Typed,
        opening: Opening<'_>,
    ) -> Result<(Session, Membership), Error> {
        let code = typed.code.filter(|code| !code.expose().trim().is_empty());
        let mut proven = self.prove(visit, &typed.email, typed.password).await?;
        let user = proven.account.user.clone();
        if let (Some(code), Some(attempt)) = (code, &proven.attempt) {
            let factors = {
                let mut tx = self.0.db.read().await?;
                store::factors::count(&mut tx, user.id).await?
            };
            // Who has none owes none: what was typed there does not matter.
            if factors.any() {
                match self.compare_code(&proven.account, &code, attempt, visit.now).await {
                    Ok(shown) => proven.shown = Some(shown),
                    // Nothing was compared, and the password was right: a recovery code must get through.
                    Err(error @ Error::TooManyAttempts { .. }) => {
                        self.0.throttle.give_back(attempt).await;
                        return Err(error);
                    }
                    Err(error) => return Err(self.second_factor_failed(visit, &user, error, false).await?),
                }
            }
        }
        match self.open(visit, proven, opening).await {
            Err(error @ Error::WrongCode) => {
                Err(self.second_factor_failed(visit, &user, error, false).await?)
            }
            other => other,
        }
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
            Some(account) if verdict.matches && account.may_sign_in() => Ok(Proven {
                account,
                attempt: Some(attempt),
                rehashed: verdict.rehashed,
                methods: vec![methods::PASSWORD.to_owned()],
                shown: None,
            }),
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

    /// Opens a session for who has shown enough; who owes a second factor gets a challenge instead, as an error.
    pub(super) async fn open(
        &self,
        visit: &Visit,
        proven: Proven,
        opening: Opening<'_>,
    ) -> Result<(Session, Membership), Error> {
        let account = &proven.account;
        let user = account.user.id;
        let mut tx = self.0.db.begin().await?;
        // The proof took a while: the account may have been disabled, or its password changed, since it was read.
        let now_stored = store::users::find_account_by_id(&mut tx, user).await?;
        let unchanged = now_stored
            .is_some_and(|stored| stored.may_sign_in() && stored.password_hash == account.password_hash);
        if !unchanged {
            return Err(Error::BadCredentials);
        }
        if let (Some(old), Some(new)) = (&account.password_hash, &proven.rehashed) {
            store::users::rehash(&mut tx, user, old, new).await?;
        }
        let mut methods = proven.methods.clone();
        match &proven.shown {
            Some(shown) => {
                if !shown.spend(&mut tx, user, visit.now).await? {
                    return Err(match shown {
                        Shown::Passkey(_) => Error::PasskeyRefused,
                        _ => Error::WrongCode,
                    });
                }
                methods = methods::joined(&methods, shown.methods());
                if let Shown::RecoveryCode(_) = shown {
                    let left = store::factors::count(&mut tx, user).await?.recovery_codes;
                    self.tell_owner(&mut tx, visit, &account.user, &Change::RecoveryCodeUsed { left })
                        .await?;
                }
            }
            None if methods.iter().any(|method| method == methods::SEVERAL) => {}
            None => {
                let factors = store::factors::count(&mut tx, user).await?;
                if factors.any() {
                    let asked =
                        self.begin_second_factor(&mut tx, &proven, &opening, factors, visit.now).await?;
                    tx.commit().await?;
                    self.give_back(&proven).await;
                    count("second_factor");
                    return Err(asked);
                }
            }
        }
        if let Some((hash, purpose)) = &opening.challenge {
            let used =
                store::challenges::consume::<serde_json::Value>(&mut tx, hash, *purpose, visit.now).await?;
            used.ok_or(Error::ChallengeRefused)?;
        }
        let memberships = self.memberships(&mut tx, user).await?;
        let membership = choose(memberships, account.user.home).ok_or(Error::NoWorkspace)?;
        let session = Session {
            methods,
            ..self.new_session(visit, opening.kind, user, membership.workspace.id, opening.scopes)
        };
        self.tell_of_new_device(&mut tx, visit, &account.user, &session).await?;
        store::sessions::insert(&mut tx, &session, opening.proof).await?;
        store::users::save_login(&mut tx, user, visit.now).await?;
        let mut detail = json!({ "device": session.device, "methods": session.methods });
        if let Some(shown) = &proven.shown {
            detail["second_factor"] = json!(shown.factor().name());
        }
        let entry = NewEntry::during(visit, membership.workspace.id, "identity.login")
            .actor(user)
            .target(session.id)
            .detail(detail);
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.give_back(&proven).await;
        count("ok");
        Ok((session, membership))
    }

    async fn give_back(&self, proven: &Proven) {
        let Some(attempt) = &proven.attempt else { return };
        self.0.throttle.give_back(attempt).await;
        if let Some(Shown::Totp { .. }) = proven.shown {
            self.0.throttle.give_code_back(attempt).await;
        }
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
            audience: None,
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

pub(super) fn count(outcome: &'static str) {
    metrics::counter!("identity_login_total", "outcome" => outcome).increment(1);
}

/// The wanted workspace if the user is in it, else their first.
pub(super) fn choose(memberships: Vec<Membership>, wanted: WorkspaceId) -> Option<Membership> {
    let found = memberships.iter().position(|membership| membership.workspace.id == wanted).unwrap_or(0);
    memberships.into_iter().nth(found)
}
