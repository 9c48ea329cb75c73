use jiff::SignedDuration;
use kernel::{Allow, Secret, Timestamp, UserId};
use serde_json::json;

use super::{Identity, users::member};
use crate::{
    error::Error,
    model::{Email, NewEntry, Token, Visit, refuse_length},
    permissions::WriteUsers,
    store::{self, links::Purpose},
};

/// A link that sets a new password, once.
pub(crate) struct ResetLink {
    pub(crate) url: String,
    pub(crate) expires_at: Timestamp,
}

impl Identity {
    /// A reset link to hand over; an older one stops working. Only for accounts at home in the workspace.
    pub(crate) async fn make_reset_link(
        &self,
        allow: &Allow<WriteUsers>,
        id: UserId,
    ) -> Result<ResetLink, Error> {
        let token = Token::random(&mut rand::rng());
        let expires_at = allow.now + SignedDuration::from_secs(self.config().reset_link_ttl_s.into());
        let mut tx = self.0.db.begin().await?;
        let member = member(&mut tx, allow, id).await?;
        self.manageable(&mut tx, allow, &member).await?;
        if member.user.home != allow.workspace {
            return Err(Error::NotHome);
        }
        store::links::revoke(&mut tx, id, Purpose::ResetPassword, allow.now).await?;
        store::links::insert(&mut tx, &token.hash(), Purpose::ResetPassword, Some(id), allow.now, expires_at)
            .await?;
        self.write_down(&mut tx, NewEntry::by(allow, "identity.reset-link-made").target(id)).await?;
        tx.commit().await?;
        Ok(ResetLink { url: format!("{}/reset?token={}", self.public_url(), token.text()), expires_at })
    }

    /// Sets the password that the link's holder chose; ends all of the user's sessions.
    pub(crate) async fn reset_password(
        &self,
        visit: &Visit,
        token: &str,
        password: Secret<String>,
    ) -> Result<(), Error> {
        if let Some(reason) = refuse_length(password.expose()) {
            return Err(Error::Invalid { pointer: "/new_password", reason: reason.to_owned() });
        }
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
        let user = link.and_then(|link| link.user).ok_or(Error::LinkRefused)?;
        store::users::save_password(&mut tx, user, &password, visit.now).await?;
        store::links::revoke(&mut tx, user, Purpose::ResetPassword, visit.now).await?;
        let ended = store::sessions::end_all(&mut tx, user, None, "password reset", visit.now).await?;
        let entry = NewEntry::during(visit, account.user.home, "identity.password-reset")
            .actor(user)
            .target(user)
            .detail(json!({ "sessions_ended": ended }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }
}
