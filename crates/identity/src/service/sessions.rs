use db::Tx;
use jiff::SignedDuration;
use kernel::{Actor, Allow, Ctx, Locale, Secret, SessionId, Timestamp, UserId, WorkspaceId};
use serde_json::json;

use super::{Identity, SignedIn, TokenPair, letters::shown, throttle::Attempt, users::member};
use crate::{
    error::Error,
    model::{Account, Email, NewEntry, PersonName, Session, User, Visit},
    permissions::{ReadUsers, WriteUsers},
    store::{self, links::Purpose},
};

/// What somebody changes of their own account.
#[derive(Debug, Default)]
pub(crate) struct ProfileChange {
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    /// `Some(None)`: as the browser asks.
    pub(crate) locale: Option<Option<Locale>>,
}

impl Identity {
    /// Ends the caller's session. Its tokens and cookie are refused from now on.
    pub(crate) async fn sign_out(&self, ctx: &Ctx, session: SessionId) -> Result<(), Error> {
        self.end(ctx, session, "signed out", "identity.logout").await.map(drop)
    }

    /// Some of the caller's live sessions, those last used first, and how many there are.
    pub(crate) async fn list_sessions(
        &self,
        ctx: &Ctx,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<Session>, u64), Error> {
        let user = user(ctx)?;
        let mut tx = self.0.db.read().await?;
        let total = store::sessions::count_live(&mut tx, user, ctx.now).await?;
        Ok((store::sessions::list_live(&mut tx, user, ctx.now, limit, offset).await?, total))
    }

    pub(crate) async fn end_session(&self, ctx: &Ctx, session: SessionId) -> Result<(), Error> {
        match self.end(ctx, session, "ended by its user", "identity.session-ended").await? {
            true => Ok(()),
            false => Err(Error::SessionNotFound(session)),
        }
    }

    /// Those of somebody at home in the workspace.
    pub(crate) async fn list_sessions_of(
        &self,
        allow: &Allow<ReadUsers>,
        id: UserId,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<Session>, u64), Error> {
        let mut tx = self.0.db.read().await?;
        if member(&mut tx, allow, id).await?.user.home != allow.workspace {
            return Err(Error::NotHome);
        }
        let total = store::sessions::count_live(&mut tx, id, allow.now).await?;
        Ok((store::sessions::list_live(&mut tx, id, allow.now, limit, offset).await?, total))
    }

    pub(crate) async fn end_sessions_of(&self, allow: &Allow<WriteUsers>, id: UserId) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        let member = member(&mut tx, allow, id).await?;
        self.manageable(&mut tx, allow, &member).await?;
        if member.user.home != allow.workspace {
            return Err(Error::NotHome);
        }
        let why = "ended by an administrator";
        let ended = store::sessions::end_all(&mut tx, id, None, why, allow.now).await?;
        let entry = NewEntry::by(allow, "identity.sessions-ended").target(id);
        self.write_down(&mut tx, entry.detail(json!({ "sessions": ended }))).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }

    async fn end(
        &self,
        ctx: &Ctx,
        id: SessionId,
        why: &'static str,
        action: &'static str,
    ) -> Result<bool, Error> {
        let mut tx = self.0.db.begin().await?;
        if !store::sessions::end(&mut tx, user(ctx)?, id, why, ctx.now).await? {
            return Ok(false);
        }
        self.write_down(&mut tx, NewEntry::by(ctx, action).target(id)).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(true)
    }

    /// Ends all of the caller's sessions but the one that asks.
    pub(crate) async fn end_other_sessions(&self, ctx: &Ctx, current: SessionId) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        let why = "ended by its user";
        let ended = store::sessions::end_all(&mut tx, user(ctx)?, Some(current), why, ctx.now).await?;
        let entry = NewEntry::by(ctx, "identity.sessions-ended").detail(json!({ "sessions": ended }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }

    pub(crate) async fn update_profile(&self, ctx: &Ctx, change: ProfileChange) -> Result<(), Error> {
        let id = user(ctx)?;
        let mut tx = self.0.db.begin().await?;
        let account = store::users::find_account_by_id(&mut tx, id).await?.ok_or(Error::UserNotFound(id))?;
        let before = account.user;
        let mut user = before.clone();
        if let Some(name) = change.first_name {
            user.first_name = person_name("/first_name", &name)?;
        }
        if let Some(name) = change.last_name {
            user.last_name = person_name("/last_name", &name)?;
        }
        if let Some(locale) = change.locale {
            user.locale = locale;
        }
        user.updated_at = ctx.now;
        store::users::save(&mut tx, &user).await?;
        let shown = |user: &User| json!({ "first_name": user.first_name, "last_name": user.last_name, "locale": user.locale.map(Locale::tag) });
        let detail = json!({ "before": shown(&before), "after": shown(&user) });
        self.write_down(&mut tx, NewEntry::by(ctx, "identity.profile-updated").target(id).detail(detail))
            .await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }

    /// Refuses what a stolen session must not be enough for, unless the user showed lately who they are; and what no
    /// application's session is enough for.
    pub(crate) fn require_recent(&self, signed_in: &SignedIn, now: Timestamp) -> Result<(), Error> {
        self.require_own_session(signed_in)?;
        let within = SignedDuration::from_secs(self.config().confirm_window_s.into());
        if signed_in.session.is_recent(now, within) { Ok(()) } else { Err(Error::ConfirmFirst) }
    }

    /// Asks for the old password; ends the caller's other sessions and open reset links.
    pub(crate) async fn change_password(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
        current: Secret<String>,
        new: Secret<String>,
    ) -> Result<(), Error> {
        let id = user(ctx)?;
        let account = self.show_password(ctx, current).await?;
        let email = Email::parse(&account.user.email).ok_or(Error::UserNotFound(id))?;
        let hash = self.0.passwords.hash(new, email, "/new_password").await?;

        let mut tx = self.0.db.begin().await?;
        let stored = store::users::find_account_by_id(&mut tx, id).await?.ok_or(Error::UserNotFound(id))?;
        if stored.password_hash != account.password_hash {
            return Err(Error::WrongPassword);
        }
        store::users::save_password(&mut tx, id, &hash, ctx.now).await?;
        store::links::revoke(&mut tx, id, Purpose::ResetPassword, ctx.now).await?;
        let except = Some(signed_in.session.id);
        let ended = store::sessions::end_all(&mut tx, id, except, "password changed", ctx.now).await?;
        self.tell_of_new_password(&mut tx, ctx, &account.user).await?;
        let entry = NewEntry::by(ctx, "identity.password-changed")
            .target(id)
            .detail(json!({ "sessions_ended": ended }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }

    /// The caller's account, if this is its password.
    pub(super) async fn show_password(&self, ctx: &Ctx, password: Secret<String>) -> Result<Account, Error> {
        let id = user(ctx)?;
        let account = {
            let mut tx = self.0.db.read().await?;
            store::users::find_account_by_id(&mut tx, id).await?.ok_or(Error::UserNotFound(id))?
        };
        // A stolen session must not be able to try passwords either.
        let attempt = Attempt::new(&format!("{id} changes"), ctx.address, true);
        self.0.throttle.take(&attempt).await?;
        let verdict = self.0.passwords.verify(password, account.password_hash.clone()).await?;
        if !verdict.matches {
            return Err(Error::WrongPassword);
        }
        self.0.throttle.give_back(&attempt).await;
        Ok(account)
    }

    pub(super) async fn tell_of_new_password(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        user: &User,
    ) -> Result<(), Error> {
        let params = json!({
            "at": shown(ctx.now),
            "address": ctx.address.map(|address| address.to_string()),
            "forgot_url": format!("{}/forgot", self.public_url()),
        });
        self.write_to(tx, ctx, user, "password-changed", params).await
    }

    /// Takes the caller's session to another of their workspaces.
    pub(crate) async fn switch_workspace(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
        workspace: WorkspaceId,
    ) -> Result<(), Error> {
        signed_in.membership(workspace).ok_or(Error::WorkspaceNotFound(workspace))?;
        let mut tx = self.0.db.begin().await?;
        store::sessions::save_workspace(&mut tx, signed_in.session.id, workspace).await?;
        let entry = NewEntry { workspace, ..NewEntry::by(ctx, "identity.workspace-switched") };
        let entry = entry.target(workspace).detail(json!({ "from": ctx.workspace }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }

    /// The same for a program, which holds the workspace in its tokens.
    pub(crate) async fn switch_tokens(
        &self,
        ctx: &Ctx,
        visit: &Visit,
        signed_in: &SignedIn,
        workspace: WorkspaceId,
    ) -> Result<TokenPair, Error> {
        self.switch_workspace(ctx, signed_in, workspace).await?;
        self.reissue(visit, signed_in.session.id).await
    }

    pub(crate) fn csrf(&self, session: SessionId) -> String {
        self.0.tokens.csrf(session)
    }

    pub(crate) fn csrf_fits(&self, session: SessionId, shown: &str) -> bool {
        self.0.tokens.csrf_fits(session, shown)
    }
}

pub(super) fn user(ctx: &Ctx) -> Result<UserId, Error> {
    match ctx.actor {
        Actor::User(id) => Ok(id),
        Actor::System(_) => Err(Error::NotAUser),
    }
}

pub(super) fn person_name(pointer: &'static str, text: &str) -> Result<String, Error> {
    let reason = || "must be one line of at most 100 characters".to_owned();
    let name = PersonName::parse(text).ok_or_else(|| Error::Invalid { pointer, reason: reason() })?;
    Ok(name.as_str().to_owned())
}
