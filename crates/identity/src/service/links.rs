use kernel::{Allow, Secret, Timestamp, UserId};
use serde_json::json;

use super::{
    Identity,
    answers::Mailed,
    letters::{NewLink, shown},
    users::member,
};
use crate::{
    error::Error,
    model::{Email, NewEntry, Strength, Token, Visit, refuse_length},
    permissions::WriteUsers,
    store::{self, links::Purpose},
};

/// A link that sets a new password, once.
pub(crate) struct ResetLink {
    /// To hand over; `None` when it was sent by mail.
    pub(crate) url: Option<String>,
    pub(crate) expires_at: Timestamp,
}

impl Identity {
    /// A reset link to hand over, or sent to the account's address; an older one stops working. Only for accounts at home
    /// in the workspace.
    pub(crate) async fn make_reset_link(
        &self,
        allow: &Allow<WriteUsers>,
        id: UserId,
        send: bool,
    ) -> Result<ResetLink, Error> {
        if send && !self.sends_mail() {
            return Err(Error::NoMail);
        }
        let link = NewLink::new(allow.now, self.config().reset_link_ttl_s);
        let mut tx = self.0.db.begin().await?;
        let member = member(&mut tx, allow, id).await?;
        self.manageable(&mut tx, allow, &member).await?;
        if member.user.home != allow.workspace {
            return Err(Error::NotHome);
        }
        store::links::revoke(&mut tx, id, Purpose::ResetPassword, allow.now).await?;
        let mailed = Mailed { mailed: send };
        let hash = link.hash();
        store::links::insert_with(&mut tx, &hash, Purpose::ResetPassword, id, &mailed, link.times).await?;
        if send {
            let params = self.reset_params(&link);
            self.write_to(&mut tx, allow, &member.user, "reset", params).await?;
        }
        let entry = NewEntry::by(allow, "identity.reset-link-made").target(id);
        self.write_down(&mut tx, entry.detail(json!({ "mailed": send }))).await?;
        tx.commit().await?;
        let url = (!send).then(|| self.url("reset", &link));
        Ok(ResetLink { url, expires_at: link.expires_at() })
    }

    /// What can be said of a password while it is typed.
    pub(crate) async fn password_strength(
        &self,
        visit: &Visit,
        password: Secret<String>,
        email: Option<&str>,
    ) -> Result<Strength, Error> {
        self.0.doors.strength(visit.address).await?;
        self.0.passwords.strength(password, email.and_then(Email::parse)).await
    }

    /// What a mail with a reset link says.
    pub(super) fn reset_params(&self, link: &NewLink) -> serde_json::Value {
        json!({
            "url": self.url("reset", link),
            "until": shown(link.expires_at()),
            "address": null,
        })
    }

    /// Sets the password that the link's holder chose; ends all of the user's sessions, and every other link.
    pub(crate) async fn reset_password(
        &self,
        visit: &Visit,
        token: &str,
        password: Secret<String>,
    ) -> Result<(), Error> {
        if let Some(reason) = refuse_length(password.expose()) {
            return Err(Error::Invalid { pointer: "/new_password", reason: reason.to_owned() });
        }
        self.0.doors.try_link(visit.address).await?;
        let outcome = self.use_reset_link(visit, token, password).await;
        // Only what did not work counts: guesses, not owners.
        if !matches!(outcome, Err(Error::LinkRefused)) {
            self.0.doors.link_worked(visit.address).await;
        }
        self.0.live.changed();
        outcome
    }

    async fn use_reset_link(
        &self,
        visit: &Visit,
        token: &str,
        password: Secret<String>,
    ) -> Result<(), Error> {
        let hash = Token::parse(token).ok_or(Error::LinkRefused)?.hash();
        let account = {
            let mut tx = self.0.db.read().await?;
            let link = store::links::find(&mut tx, &hash, Purpose::ResetPassword, visit.now).await?;
            let user = link.and_then(|link| link.user).ok_or(Error::LinkRefused)?;
            store::users::find_account_by_id(&mut tx, user).await?.ok_or(Error::LinkRefused)?
        };
        let email = Email::parse(&account.user.email).ok_or(Error::LinkRefused)?;
        let password = self.0.passwords.hash(password, email, "/new_password").await?;

        let mut tx = self.0.db.begin().await?;
        let link = store::links::consume(&mut tx, &hash, Purpose::ResetPassword, visit.now).await?;
        let link = link.ok_or(Error::LinkRefused)?;
        let user = link.user.ok_or(Error::LinkRefused)?;
        let account = store::users::find_account_by_id(&mut tx, user).await?.ok_or(Error::LinkRefused)?;
        if account.user.deleted_at.is_some() || !account.user.is_active {
            return Err(Error::LinkRefused);
        }
        store::users::save_password(&mut tx, user, &password, visit.now).await?;
        let mailed = link.payload().is_some_and(|Mailed { mailed }| mailed);
        if mailed && !account.user.is_verified {
            store::users::save_verified(&mut tx, user, true, visit.now).await?;
        }
        self.revoke_proofs(&mut tx, user, visit).await?;
        self.forget_email_change(&mut tx, user).await?;
        let ended = store::sessions::end_all(&mut tx, user, None, "password reset", visit.now).await?;
        let ctx = Self::ctx_of(visit, account.user.home);
        self.tell_of_new_password(&mut tx, &ctx, &account.user).await?;
        let entry = NewEntry::during(visit, account.user.home, "identity.password-reset")
            .actor(user)
            .target(user)
            .detail(json!({ "sessions_ended": ended, "verified_the_address": mailed && !account.user.is_verified }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(())
    }
}
