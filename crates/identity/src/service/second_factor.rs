use jiff::SignedDuration;
use kernel::{Secret, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use webauthn_rs::prelude::{Passkey, PasskeyAuthentication, PublicKeyCredential, RequestChallengeResponse};

use super::{
    BrowserSession, Identity, TokenPair,
    login::{Opening, Proven},
    notices::Change,
    throttle::Attempt,
};
use crate::{
    error::Error,
    model::{
        Account, Email, Factor, Factors, Hash, NewEntry, RecoveryCode, RefreshState, SessionKind,
        StoredPasskey, Token, TotpSecret, User, Visit, methods,
    },
    store::{
        self,
        challenges::{NewChallenge, Purpose},
        sessions::Proof,
    },
};

/// How long a challenge counts.
pub(super) const CHALLENGE_TTL: SignedDuration = SignedDuration::from_mins(5);
/// Answers to one challenge; then the password is asked for again.
const TRIES_MAX: i64 = 5;

/// What was shown as a second factor, compared but not yet used up.
pub(super) enum Shown {
    Totp {
        /// The secret that it was compared with.
        sealed: Vec<u8>,
        step: i64,
    },
    RecoveryCode(Hash),
    Passkey(Box<ShownPasskey>),
}

pub(super) struct ShownPasskey {
    pub(super) before: StoredPasskey,
    pub(super) after: Passkey,
    /// It may be on several devices.
    pub(super) is_shared: bool,
}

impl Shown {
    pub(super) fn factor(&self) -> Factor {
        match self {
            Self::Totp { .. } => Factor::Totp,
            Self::RecoveryCode(_) => Factor::RecoveryCode,
            Self::Passkey(_) => Factor::Passkey,
        }
    }

    /// RFC 8176's words for it.
    pub(super) fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::Totp { .. } | Self::RecoveryCode(_) => &[methods::ONE_TIME_CODE, methods::SEVERAL],
            Self::Passkey(shown) if shown.is_shared => {
                &[methods::SOFTWARE_KEY, methods::USER_PRESENT, methods::SEVERAL]
            }
            Self::Passkey(_) => &[methods::HARDWARE_KEY, methods::USER_PRESENT, methods::SEVERAL],
        }
    }

    /// Uses it up; false when it counts no more.
    pub(super) async fn spend(&self, tx: &mut db::Tx, user: UserId, now: Timestamp) -> db::Result<bool> {
        match self {
            Self::Totp { sealed, step } => store::factors::take_step(tx, user, sealed, *step).await,
            Self::RecoveryCode(hash) => store::factors::take_code(tx, user, hash, now).await,
            Self::Passkey(shown) => store::passkeys::save_use(tx, &shown.before, &shown.after, now).await,
        }
    }
}

/// A sign-in whose first half is done.
#[derive(Serialize, Deserialize)]
pub(super) struct PendingSignIn {
    methods: Vec<String>,
    scopes: Vec<String>,
    /// SHA-256 of the stored password hash: with another password the challenge is void.
    password: Option<[u8; 32]>,
    /// What the browser was asked to sign, if it was.
    passkey: Option<PasskeyAuthentication>,
}

/// What answers a challenge.
pub(crate) enum SecondFactor {
    Code(Secret<String>),
    Passkey(Box<PublicKeyCredential>),
}

fn fingerprint(account: &Account) -> Option<[u8; 32]> {
    account.password_hash.as_ref().map(|hash| *Hash::of(hash.as_bytes()).bytes())
}

fn purpose(kind: SessionKind) -> Purpose {
    match kind {
        SessionKind::Browser => Purpose::SignInBrowser,
        _ => Purpose::SignInProgram,
    }
}

impl Identity {
    /// Begins the second half of a sign-in, in the transaction that found it to be needed: what the caller is told.
    pub(super) async fn begin_second_factor(
        &self,
        tx: &mut db::Tx,
        proven: &Proven,
        opening: &Opening<'_>,
        factors: Factors,
        now: Timestamp,
    ) -> Result<Error, Error> {
        let token = Token::random(&mut rand::rng());
        let account = match &proven.rehashed {
            // The stored hash is this one when the answer comes.
            Some(hash) => &Account { password_hash: Some(hash.clone()), ..proven.account.clone() },
            None => &proven.account,
        };
        let payload = PendingSignIn {
            methods: proven.methods.clone(),
            scopes: opening.scopes.clone(),
            password: fingerprint(account),
            passkey: None,
        };
        let challenge = NewChallenge {
            hash: &token.hash(),
            purpose: purpose(opening.kind),
            user: Some(account.user.id),
            session: None,
            payload: &payload,
            now,
            expires_at: now + CHALLENGE_TTL,
        };
        store::challenges::insert(tx, challenge).await?;
        Ok(Error::SecondFactorRequired {
            challenge: Secret::new(token.text()),
            methods: (factors.offered().into_iter())
                .filter(|factor| *factor != Factor::Passkey || self.0.passkeys.webauthn().is_ok())
                .map(Factor::name)
                .collect(),
            expires_in_s: u32::try_from(CHALLENGE_TTL.as_secs()).unwrap_or(300),
        })
    }

    /// What a browser needs to answer a challenge by a passkey.
    pub(crate) async fn second_factor_passkey(
        &self,
        visit: &Visit,
        challenge: &str,
    ) -> Result<RequestChallengeResponse, Error> {
        let webauthn = self.0.passkeys.webauthn()?;
        let hash = Token::parse(challenge).ok_or(Error::ChallengeRefused)?.hash();
        // A browser's, or a program's that can do it.
        let mut found = None;
        let mut passkeys = Vec::new();
        {
            let mut tx = self.0.db.read().await?;
            for purpose in [Purpose::SignInBrowser, Purpose::SignInProgram] {
                let pending =
                    store::challenges::find::<PendingSignIn>(&mut tx, &hash, purpose, visit.now).await?;
                if let Some(pending) = pending {
                    let user = pending.user.ok_or(Error::ChallengeRefused)?;
                    passkeys = store::passkeys::list(&mut tx, user).await?;
                    found = Some(pending.payload);
                }
            }
        }
        let mut pending = found.ok_or(Error::ChallengeRefused)?;
        if passkeys.is_empty() {
            return Err(Error::PasskeyRefused);
        }
        let passkeys: Vec<_> = passkeys.into_iter().map(|stored| stored.passkey).collect();
        let (options, state) =
            webauthn.start_passkey_authentication(&passkeys).map_err(|_| Error::PasskeyRefused)?;
        pending.passkey = Some(state);
        let mut tx = self.0.db.begin().await?;
        store::challenges::save_payload(&mut tx, &hash, &pending).await?;
        tx.commit().await?;
        Ok(options)
    }

    /// Ends the sign-in of a program.
    pub(crate) async fn answer_for_tokens(
        &self,
        visit: &Visit,
        challenge: &str,
        answer: SecondFactor,
    ) -> Result<TokenPair, Error> {
        let token = Token::random(&mut rand::rng());
        let refresh = RefreshState::new(&token);
        let proof = Proof::Refresh(&refresh);
        let (session, membership) =
            self.answer(visit, challenge, answer, SessionKind::Program, proof).await?;
        self.pair(&session, &membership, &token, visit.now).await
    }

    /// Ends the sign-in of a browser.
    pub(crate) async fn answer_for_cookie(
        &self,
        visit: &Visit,
        challenge: &str,
        answer: SecondFactor,
    ) -> Result<BrowserSession, Error> {
        let cookie = Token::random(&mut rand::rng());
        let proof = Proof::Cookie(cookie.hash());
        let (session, _) = self.answer(visit, challenge, answer, SessionKind::Browser, proof).await?;
        Ok(BrowserSession { id: session.id, cookie })
    }

    async fn answer(
        &self,
        visit: &Visit,
        challenge: &str,
        answer: SecondFactor,
        kind: SessionKind,
        proof: Proof<'_>,
    ) -> Result<(crate::model::Session, crate::model::Membership), Error> {
        let hash = Token::parse(challenge).ok_or(Error::ChallengeRefused)?.hash();
        let purpose = purpose(kind);
        // Who is it, so that the limits of their account apply before anything is compared?
        let (account, known) = {
            let mut tx = self.0.db.read().await?;
            let found = store::challenges::find::<PendingSignIn>(&mut tx, &hash, purpose, visit.now).await?;
            let user = found.and_then(|found| found.user).ok_or(Error::ChallengeRefused)?;
            let account = store::users::find_account_by_id(&mut tx, user).await?;
            let known = self.is_known_address(&mut tx, user, visit).await?;
            (account.filter(Account::may_sign_in).ok_or(Error::ChallengeRefused)?, known)
        };
        let attempt = attempt(&account.user, visit, known);
        self.0.throttle.take(&attempt).await?;
        let challenge = {
            let mut tx = self.0.db.begin().await?;
            let taken = store::challenges::try_one(&mut tx, &hash, purpose, TRIES_MAX, visit.now).await?;
            tx.commit().await?;
            taken.ok_or(Error::ChallengeRefused)?
        };
        let pending: PendingSignIn = challenge.payload;
        if pending.password != fingerprint(&account) {
            return Err(Error::ChallengeRefused);
        }
        let is_last = challenge.tries >= TRIES_MAX;
        let shown = match answer {
            SecondFactor::Code(code) => self.compare_code(&account, &code, &attempt, visit.now).await,
            SecondFactor::Passkey(credential) => match &pending.passkey {
                Some(state) => {
                    self.compare_passkey(visit, account.user.id, account.user.home, &credential, state).await
                }
                None => Err(Error::PasskeyRefused),
            },
        };
        let shown = match shown {
            Ok(shown) => shown,
            Err(error @ Error::TooManyAttempts { .. }) => {
                self.0.throttle.give_back(&attempt).await;
                return Err(error);
            }
            Err(error) => {
                return Err(self.second_factor_failed(visit, &account.user, error, is_last).await?);
            }
        };
        let user = account.user.clone();
        let proven = Proven {
            account,
            attempt: Some(attempt),
            rehashed: None,
            methods: pending.methods,
            shown: Some(shown),
        };
        let opening = Opening { kind, scopes: pending.scopes, proof, challenge: Some((hash, purpose)) };
        match self.open(visit, proven, opening).await {
            Err(error @ (Error::WrongCode | Error::PasskeyRefused)) => {
                Err(self.second_factor_failed(visit, &user, error, is_last).await?)
            }
            other => other,
        }
    }

    /// Compares a code with the app's, or takes it for a recovery code. It is used up later, where the session begins.
    pub(super) async fn compare_code(
        &self,
        account: &Account,
        code: &Secret<String>,
        attempt: &Attempt,
        now: Timestamp,
    ) -> Result<Shown, Error> {
        let user = account.user.id;
        if let Some(code) = RecoveryCode::parse(code.expose()) {
            return Ok(Shown::RecoveryCode(code.hash(user)));
        }
        let row = {
            let mut tx = self.0.db.read().await?;
            store::factors::find_totp(&mut tx, user).await?
        };
        let sealed = row.and_then(|row| row.secret).ok_or(Error::WrongCode)?;
        self.0.throttle.take_code(attempt).await?;
        let step = self.open_totp(user, &sealed)?.step_of(code.expose(), now).ok_or(Error::WrongCode)?;
        Ok(Shown::Totp { sealed, step })
    }

    /// The secret of an app, opened.
    pub(super) fn open_totp(&self, user: UserId, sealed: &[u8]) -> Result<TotpSecret, Error> {
        let secret = self.0.tokens.seal().open(&totp_purpose(user), sealed);
        let secret = secret.map_err(|error| Error::Seal(format!("{error:#}")))?;
        Ok(TotpSecret::from_bytes(secret.expose()))
    }

    pub(super) fn close_totp(&self, user: UserId, secret: &TotpSecret) -> Result<Vec<u8>, Error> {
        let sealed = self.0.tokens.seal().close(&totp_purpose(user), secret.bytes());
        sealed.map_err(|error| Error::Seal(format!("{error:#}")))
    }

    /// Writes a failure down; after the last try of a challenge the owner is told that somebody knows the password.
    pub(super) async fn second_factor_failed(
        &self,
        visit: &Visit,
        user: &User,
        error: Error,
        tell: bool,
    ) -> Result<Error, Error> {
        if !matches!(error, Error::WrongCode | Error::PasskeyRefused) {
            return Ok(error);
        }
        metrics::counter!("identity_login_total", "outcome" => "second_factor_refused").increment(1);
        tracing::info!(address = ?visit.address, user.id = %user.id, "second factor refused");
        let entry = NewEntry::during(visit, user.home, "identity.second-factor-failed")
            .actor(user.id)
            .target(user.id)
            .detail(json!({ "what": if matches!(error, Error::WrongCode) { "code" } else { "passkey" } }));
        let mut tx = self.0.db.begin().await?;
        if tell {
            self.tell_owner(&mut tx, visit, user, &Change::CodesFailed).await?;
        }
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(error)
    }

    pub(super) async fn is_known_address(
        &self,
        tx: &mut db::Tx,
        user: UserId,
        visit: &Visit,
    ) -> Result<bool, Error> {
        match visit.address {
            Some(address) => {
                Ok(store::sessions::signed_in_from(tx, user, &address.to_string(), visit.now).await?)
            }
            None => Ok(false),
        }
    }
}

/// The buckets of an attempt at this account: the same as those of its password.
pub(super) fn attempt(user: &User, visit: &Visit, known: bool) -> Attempt {
    let email = Email::parse(&user.email);
    let key = email.as_ref().map_or_else(|| user.id.to_string(), |email| email.key().to_owned());
    Attempt::new(&key, visit.address, known)
}

fn totp_purpose(user: UserId) -> String {
    format!("totp:{user}")
}
