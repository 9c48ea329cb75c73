use kernel::{Ctx, Secret};
use serde_json::json;
use webauthn_rs::prelude::{PasskeyAuthentication, PublicKeyCredential, RequestChallengeResponse, Uuid};

use super::{
    Identity, SignedIn,
    notices::Change,
    second_factor::{CHALLENGE_TTL, Shown, attempt},
    sessions::user,
    throttle::Attempt,
    totp::CODE_REFUSED,
};
use crate::{
    error::Error,
    model::{Account, Hash, NewEntry, SessionKind, Token, Visit, methods},
    store::{
        self,
        challenges::{NewChallenge, Purpose},
    },
};

/// How a signed-in user shows again who they are.
pub(crate) enum Again {
    Password(Secret<String>),
    Code(Secret<String>),
    Passkey(Box<PublicKeyCredential>),
}

const PASSWORD_REFUSED: Error = Error::ProofRefused {
    pointer: "/password",
    code: "identity.wrong-password",
    reason: "the password is wrong",
};

const PASSKEY_REFUSED: Error = Error::ProofRefused {
    pointer: "/credential",
    code: "identity.passkey-refused",
    reason: "the passkey was not accepted",
};

impl Identity {
    /// What protects an account is changed by its owner's own sessions only: not by what an application was let have, nor
    /// by a token that was narrowed.
    pub(crate) fn require_own_session(&self, signed_in: &SignedIn) -> Result<(), Error> {
        let session = &signed_in.session;
        let own = matches!(session.kind, SessionKind::Browser | SessionKind::Program);
        if own && session.scopes.is_empty() { Ok(()) } else { Err(Error::NotThisSession) }
    }

    /// The session counts as just signed in again.
    pub(crate) async fn confirm(
        &self,
        ctx: &Ctx,
        visit: &Visit,
        signed_in: &SignedIn,
        again: Again,
    ) -> Result<(), Error> {
        self.require_own_session(signed_in)?;
        let id = user(ctx)?;
        let (account, known) = {
            let mut tx = self.0.db.read().await?;
            let account = store::users::find_account_by_id(&mut tx, id).await?;
            (account.ok_or(Error::UserNotFound(id))?, self.is_known_address(&mut tx, id, visit).await?)
        };
        // A stolen session must not be able to try passwords either, nor to keep the owner from signing in.
        let confirms = Attempt::new(&format!("{id} confirms"), ctx.address, true);
        self.0.throttle.take(&confirms).await?;
        let guesses = attempt(&account.user, visit, known);
        match self.show_again(ctx, visit, signed_in, &account, again, &guesses).await {
            Ok(shown) => {
                self.0.throttle.give_back(&confirms).await;
                if let Some(Shown::Totp { .. }) = shown {
                    self.0.throttle.give_code_back(&guesses).await;
                }
                Ok(())
            }
            Err(Error::ProofRefused { pointer, code, reason }) => {
                let entry = NewEntry::by(ctx, "identity.confirm-failed")
                    .target(signed_in.session.id)
                    .detail(json!({ "by": pointer.trim_start_matches('/') }));
                let mut tx = self.0.db.begin().await?;
                self.write_down(&mut tx, entry).await?;
                tx.commit().await?;
                Err(Error::ProofRefused { pointer, code, reason })
            }
            Err(error) => Err(error),
        }
    }

    async fn show_again(
        &self,
        ctx: &Ctx,
        visit: &Visit,
        signed_in: &SignedIn,
        account: &Account,
        again: Again,
        guesses: &Attempt,
    ) -> Result<Option<Shown>, Error> {
        let id = account.user.id;
        let (shown, refused) = match again {
            Again::Password(password) => {
                let verdict = self.0.passwords.verify(password, account.password_hash.clone()).await?;
                if !verdict.matches {
                    return Err(PASSWORD_REFUSED);
                }
                (None, PASSWORD_REFUSED)
            }
            Again::Code(code) => {
                let shown = self.compare_code(account, &code, guesses, ctx.now).await;
                let shown = shown.map_err(|error| match error {
                    Error::WrongCode => CODE_REFUSED,
                    other => other,
                })?;
                (Some(shown), CODE_REFUSED)
            }
            Again::Passkey(credential) => {
                let session = signed_in.session.id;
                let state = {
                    let mut tx = self.0.db.begin().await?;
                    let begun = store::challenges::consume_of_session::<PasskeyAuthentication>(
                        &mut tx,
                        session,
                        Purpose::Confirm,
                        ctx.now,
                    )
                    .await?;
                    tx.commit().await?;
                    begun.ok_or(PASSKEY_REFUSED)?.payload
                };
                let shown = self.compare_passkey(visit, id, account.user.home, &credential, &state).await;
                let shown = shown.map_err(|error| match error {
                    Error::PasskeyRefused => PASSKEY_REFUSED,
                    other => other,
                })?;
                (Some(shown), PASSKEY_REFUSED)
            }
        };
        let mut tx = self.0.db.begin().await?;
        let stored = store::users::find_account_by_id(&mut tx, id).await?.ok_or(Error::UserNotFound(id))?;
        if stored.password_hash != account.password_hash {
            return Err(refused);
        }
        let more = match &shown {
            Some(shown) => {
                if !shown.spend(&mut tx, id, ctx.now).await? {
                    return Err(refused);
                }
                if let Shown::RecoveryCode(_) = shown {
                    let left = store::factors::count(&mut tx, id).await?.recovery_codes;
                    self.tell_owner(&mut tx, visit, &account.user, &Change::RecoveryCodeUsed { left })
                        .await?;
                }
                shown.methods()
            }
            None => &[methods::PASSWORD],
        };
        let all = methods::joined(&signed_in.session.methods, more);
        store::sessions::save_authentication(&mut tx, signed_in.session.id, &all, ctx.now).await?;
        let entry = NewEntry::by(ctx, "identity.confirmed")
            .target(signed_in.session.id)
            .detail(json!({ "methods": more }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(shown)
    }

    /// What a browser needs to confirm by a passkey.
    pub(crate) async fn begin_confirm(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
    ) -> Result<RequestChallengeResponse, Error> {
        self.require_own_session(signed_in)?;
        let webauthn = self.0.passkeys.webauthn()?;
        let id = user(ctx)?;
        let passkeys: Vec<_> = {
            let mut tx = self.0.db.read().await?;
            store::passkeys::list(&mut tx, id).await?.into_iter().map(|stored| stored.passkey).collect()
        };
        if passkeys.is_empty() {
            return Err(Error::NoPasskeys);
        }
        let (options, state) =
            webauthn.start_passkey_authentication(&passkeys).map_err(|_| Error::PasskeyRefused)?;
        self.begin_of_session(ctx, signed_in, Purpose::Confirm, &state).await?;
        Ok(options)
    }

    /// Keeps what a session begins, in place of what it began before.
    pub(super) async fn begin_of_session(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
        purpose: Purpose,
        state: &impl serde::Serialize,
    ) -> Result<(), Error> {
        // Found by the session, never by its hash.
        let hash: Hash = Token::random(&mut rand::rng()).hash();
        let session = signed_in.session.id;
        let mut tx = self.0.db.begin().await?;
        store::challenges::revoke_of_session(&mut tx, session, purpose, ctx.now).await?;
        let challenge = NewChallenge {
            hash: &hash,
            purpose,
            user: Some(signed_in.user.id),
            session: Some(session),
            payload: state,
            now: ctx.now,
            expires_at: ctx.now + CHALLENGE_TTL,
        };
        store::challenges::insert(&mut tx, challenge).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// What an authenticator knows the user by: says nothing of them.
pub(super) fn user_handle(user: kernel::UserId) -> Uuid {
    user.uuid()
}
