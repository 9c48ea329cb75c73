use db::{OnConstraint as _, Tx};
use kernel::{Ctx, Secret, UserId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Identity, SignedIn,
    doors::Door,
    letters::{NewLink, shown},
    sessions::user,
    users::email,
};
use crate::{
    error::Error,
    model::{Account, Email, Hash, NewEntry, PendingEmail, Token, User, Visit},
    store::{self, links::Purpose},
};

/// What the links of a change hold.
#[derive(Serialize, Deserialize)]
struct Change {
    email: String,
}

/// Which of the two addresses still has to confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Old,
    New,
}

impl Side {
    const ALL: [Self; 2] = [Self::Old, Self::New];

    fn purpose(self) -> Purpose {
        match self {
            Self::Old => Purpose::ChangeEmailOld,
            Self::New => Purpose::ChangeEmailNew,
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Old => Self::New,
            Self::New => Self::Old,
        }
    }
}

impl Identity {
    /// Begins a change of the caller's address: each of the two gets a link, and both must be used. Whether the new one has
    /// an account already, the answer does not tell: that account's owner is told by mail.
    pub(crate) async fn change_email(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
        new_email: &str,
        password: Secret<String>,
    ) -> Result<(), Error> {
        self.require_recent(signed_in, ctx.now)?;
        if !self.sends_mail() {
            return Err(Error::NoMail);
        }
        let id = user(ctx)?;
        let new = Email::parse(new_email).ok_or_else(|| Error::Invalid {
            pointer: "/new_email",
            reason: "is no e-mail address".to_owned(),
        })?;
        let account = self.show_password(ctx, password).await?;
        if email(&account.user.email)?.key() == new.key() {
            let reason = "is the present address".to_owned();
            return Err(Error::Invalid { pointer: "/new_email", reason });
        }
        self.0.doors.take(Door::ChangeEmail, ctx.address, &id.to_string()).await?;

        let mut tx = self.0.db.begin().await?;
        self.forget_email_change(&mut tx, id).await?;
        let ttl_s = self.config().verify_link_ttl_s;
        let links = Side::ALL.map(|side| (side, NewLink::new(ctx.now, ttl_s)));
        let until = links[0].1.expires_at();
        let change = Change { email: new.shown().to_owned() };
        let holder = store::users::find_account(&mut tx, &new).await?;
        for (side, link) in &links {
            store::links::insert_with(&mut tx, &link.hash(), side.purpose(), id, &change, link.times).await?;
            let to = match (side, &holder) {
                (Side::Old, _) => account.user.email.as_str(),
                (Side::New, None) => new.shown(),
                // Its link is nobody's.
                (Side::New, Some(_)) => continue,
            };
            let template = match side {
                Side::Old => "email-change-old",
                Side::New => "email-change-new",
            };
            let params = json!({
                "url": self.url("confirm-email", link),
                "old_email": account.user.email,
                "new_email": new.shown(),
                "until": shown(until),
                "name": account.user.first_name,
                "account_url": format!("{}/account", self.public_url()),
            });
            let locale = account.user.locale.unwrap_or(ctx.locale);
            self.write(&mut tx, ctx, to, template, locale, params).await?;
        }
        if let Some(holder) = holder.filter(|holder| holder.user.deleted_at.is_none()) {
            let params = json!({
                "sign_in_url": format!("{}/login", self.public_url()),
                "forgot_url": format!("{}/forgot", self.public_url()),
            });
            self.write_to(&mut tx, ctx, &holder.user, "already-registered", params).await?;
        }
        let pending = PendingEmail { email: new.shown().to_owned(), until };
        store::users::save_pending_email(&mut tx, id, Some(&pending)).await?;
        let entry = NewEntry::by(ctx, "identity.email-change-asked")
            .target(id)
            .detail(json!({ "before": account.user.email, "after": new.shown() }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }

    /// Takes a change back that is not confirmed yet.
    pub(crate) async fn cancel_email_change(&self, ctx: &Ctx) -> Result<(), Error> {
        let id = user(ctx)?;
        let mut tx = self.0.db.begin().await?;
        self.forget_email_change(&mut tx, id).await?;
        self.write_down(&mut tx, NewEntry::by(ctx, "identity.email-change-cancelled").target(id)).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }

    /// Uses one of the two links; tells which address is still to confirm, or `None` when the change is done.
    pub(crate) async fn confirm_email(&self, visit: &Visit, token: &str) -> Result<Option<Side>, Error> {
        self.0.doors.try_link(visit.address).await?;
        let hash = Token::parse(token).ok_or(Error::LinkRefused)?.hash();
        let waiting_for = self.use_email_link(visit, &hash).await?;
        self.0.doors.link_worked(visit.address).await;
        self.0.live.changed();
        Ok(waiting_for)
    }

    async fn use_email_link(&self, visit: &Visit, hash: &Hash) -> Result<Option<Side>, Error> {
        let mut tx = self.0.db.begin().await?;
        let mut found = None;
        for side in Side::ALL {
            let link = store::links::find(&mut tx, hash, side.purpose(), visit.now).await?;
            found = found.or(link.map(|link| (side, link)));
        }
        let (side, link) = found.ok_or(Error::LinkRefused)?;
        let id = link.user.ok_or(Error::LinkRefused)?;
        let change: Change = link.payload().ok_or(Error::LinkRefused)?;
        let new = Email::parse(&change.email).ok_or(Error::LinkRefused)?;
        // Two links at the same time: the second waits here, and then sees what the first did.
        store::users::lock(&mut tx, id).await?;
        let account = store::users::find_account_by_id(&mut tx, id).await?.ok_or(Error::LinkRefused)?;
        if !account.user.is_active || account.user.deleted_at.is_some() {
            return Err(Error::LinkRefused);
        }
        store::links::consume(&mut tx, hash, side.purpose(), visit.now).await?.ok_or(Error::LinkRefused)?;
        let other = side.other();
        let is_done = store::links::is_used(&mut tx, id, other.purpose()).await?;
        let Account { user, .. } = account;
        let mut entry = NewEntry::during(visit, user.home, "identity.email-change-confirmed")
            .actor(id)
            .target(id)
            .detail(json!({ "by": if side == Side::Old { "old" } else { "new" } }));
        if is_done {
            self.finish_email_change(&mut tx, visit, &user, &new).await?;
            entry.action = "identity.email-changed";
            entry.detail = json!({ "before": user.email, "after": new.shown() });
        }
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        Ok((!is_done).then_some(other))
    }

    async fn finish_email_change(
        &self,
        tx: &mut Tx,
        visit: &Visit,
        user: &User,
        new: &Email,
    ) -> Result<(), Error> {
        // Somebody else may have got it meanwhile.
        store::users::save_email(tx, user.id, new, true, visit.now)
            .await
            .on_constraint("identity_users_email_key_key", || Error::EmailTaken)?;
        self.forget_email_change(tx, user.id).await?;
        self.revoke_proofs(tx, user.id, visit).await?;
        let ctx = Self::ctx_of(visit, user.home);
        self.tell_of_new_email(tx, &ctx, user, new).await
    }

    /// Both addresses are told.
    pub(super) async fn tell_of_new_email(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        before: &User,
        new: &Email,
    ) -> Result<(), Error> {
        let locale = before.locale.unwrap_or_else(|| self.default_locale());
        for to in [before.email.as_str(), new.shown()] {
            let params = json!({
                "name": before.first_name,
                "old_email": before.email,
                "new_email": new.shown(),
                "at": shown(ctx.now),
            });
            self.write(tx, ctx, to, "email-changed", locale, params).await?;
        }
        Ok(())
    }

    pub(super) async fn forget_email_change(&self, tx: &mut Tx, id: UserId) -> Result<(), Error> {
        for side in Side::ALL {
            store::links::delete(tx, id, side.purpose()).await?;
        }
        Ok(store::users::save_pending_email(tx, id, None).await?)
    }
}
