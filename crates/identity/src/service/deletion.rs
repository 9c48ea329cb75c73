use db::Tx;
use jiff::SignedDuration;
use kernel::{Allow, Ctx, Secret, Timestamp, UserId};
use serde_json::{Value, json};

use super::{
    Identity, SignedIn,
    letters::shown,
    sessions::user,
    users::{member, refuse_last_admin},
};
use crate::{
    error::Error,
    model::{ADMIN, Member, NewEntry, User, UserKind},
    permissions::WriteUsers,
    settings::DELETED_KEEP_DAYS,
    store::{self, links::Purpose},
};

/// Accounts purged in one transaction of the nightly upkeep.
const BATCH: i64 = 100;
/// Sessions and links that are over are kept this long: for who looks into what happened, and because an address from
/// which somebody signed in lately counts as theirs.
const OVER_KEEP: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Who registered and did not confirm the address in this time never will.
const UNCONFIRMED_KEEP: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What one round of upkeep removed.
#[derive(Debug, Default)]
pub(crate) struct Removed {
    accounts: u64,
    sessions: u64,
    links: u64,
}

impl Removed {
    pub(crate) fn shown(&self) -> Value {
        json!({ "accounts": self.accounts, "sessions": self.sessions, "links": self.links })
    }
}

impl Identity {
    /// Puts an account of the workspace aside: its sessions end, and it is hidden until somebody restores or purges it. Its
    /// address stays reserved.
    pub(crate) async fn delete_user(&self, allow: &Allow<WriteUsers>, id: UserId) -> Result<(), Error> {
        if allow.actor.user() == Some(id) {
            return Err(Error::OwnAccount);
        }
        let mut tx = self.0.db.begin().await?;
        let member = at_home(member(&mut tx, allow, id).await?, allow)?;
        if member.user.kind == UserKind::Service {
            return Err(Error::NotAPerson(id));
        }
        self.manageable(&mut tx, allow, &member).await?;
        self.put_aside(&mut tx, allow, &member.user).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }

    /// The caller's own account. Asks for the password; where there is none, for a sign-in of late.
    pub(crate) async fn delete_own_account(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
        password: Option<Secret<String>>,
    ) -> Result<(), Error> {
        let id = user(ctx)?;
        match password {
            Some(password) => drop(self.show_password(ctx, password).await?),
            None => {
                let mut tx = self.0.db.read().await?;
                let account = store::users::find_account_by_id(&mut tx, id).await?;
                if account.is_none_or(|account| account.password_hash.is_some()) {
                    return Err(Error::WrongPassword);
                }
                self.require_recent(signed_in, ctx.now)?;
            }
        }
        let mut tx = self.0.db.begin().await?;
        self.put_aside(&mut tx, ctx, &signed_in.user).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }

    async fn put_aside(&self, tx: &mut Tx, ctx: &Ctx, user: &User) -> Result<(), Error> {
        if user.is_active {
            self.require_other_admins(tx, user.id).await?;
        }
        store::users::save_deleted(tx, user.id, Some(ctx.now), ctx.now).await?;
        let ended = store::sessions::end_all(tx, user.id, None, "account deleted", ctx.now).await?;
        for purpose in [Purpose::VerifyEmail, Purpose::ResetPassword] {
            store::links::revoke(tx, user.id, purpose, ctx.now).await?;
        }
        self.forget_email_change(tx, user.id).await?;
        let days = self.0.settings.get(&DELETED_KEEP_DAYS);
        self.write_to(tx, ctx, user, "account-deleted", json!({ "at": shown(ctx.now), "days": days }))
            .await?;
        let entry = NewEntry::by(ctx, "identity.user-deleted")
            .target(user.id)
            .detail(json!({ "email": user.email, "sessions_ended": ended }));
        Ok(self.write_down(tx, entry).await?)
    }

    /// Refuses where a workspace would be left without an active administrator, as long as this one still counts.
    pub(super) async fn require_other_admins(&self, tx: &mut Tx, id: UserId) -> Result<(), Error> {
        let mut places: Vec<_> = self.memberships(tx, id).await?;
        // Lock order: by id.
        places.sort_unstable_by_key(|place| place.workspace.id);
        for place in places {
            let workspace = place.workspace.id;
            if place.roles.iter().any(|role| role.name == ADMIN) {
                store::workspaces::lock(tx, workspace).await?;
                refuse_last_admin(tx, workspace).await?;
            }
        }
        Ok(())
    }

    /// Brings a deleted account back as it was; its owner signs in anew.
    pub(crate) async fn restore_user(&self, allow: &Allow<WriteUsers>, id: UserId) -> Result<Member, Error> {
        let mut tx = self.0.db.begin().await?;
        let mut member = deleted(&mut tx, allow, id).await?;
        self.manageable(&mut tx, allow, &member).await?;
        store::users::save_deleted(&mut tx, id, None, allow.now).await?;
        member.user.deleted_at = None;
        member.user.updated_at = allow.now;
        let entry = NewEntry::by(allow, "identity.user-restored").target(id);
        self.write_down(&mut tx, entry.detail(json!({ "email": member.user.email }))).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(member)
    }

    /// Removes the personal data of a deleted account for good. What it did stays in the audit log.
    pub(crate) async fn purge_user(&self, allow: &Allow<WriteUsers>, id: UserId) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        let member = deleted(&mut tx, allow, id).await?;
        self.manageable(&mut tx, allow, &member).await?;
        store::purge::purge(&mut tx, id, allow.now).await?;
        self.write_down(&mut tx, NewEntry::by(allow, "identity.user-purged").target(id)).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }

    /// The nightly upkeep: what was deleted long enough ago, or is over since long.
    pub(crate) async fn remove_old(&self, now: Timestamp) -> Result<Removed, Error> {
        let keep = SignedDuration::from_hours(24 * self.0.settings.get(&DELETED_KEEP_DAYS));
        let mut removed = Removed::default();
        loop {
            let mut tx = self.0.db.begin().await?;
            let due = store::purge::list_due(&mut tx, now - keep, now - UNCONFIRMED_KEEP, BATCH).await?;
            for (id, home) in &due {
                store::purge::purge(&mut tx, *id, now).await?;
                let ctx = Ctx::system("upkeep of accounts", *home, now);
                self.write_down(&mut tx, NewEntry::by(&ctx, "identity.user-purged").target(*id)).await?;
            }
            tx.commit().await?;
            removed.accounts += due.len() as u64;
            if due.len() < usize::try_from(BATCH).unwrap_or(usize::MAX) {
                break;
            }
        }
        let over = now - OVER_KEEP;
        removed.sessions = self.remove_in_batches(over, store::purge::delete_sessions).await?;
        removed.links = self.remove_in_batches(over, store::purge::delete_links).await?;
        let mut tx = self.0.db.begin().await?;
        store::purge::forget_pending_emails(&mut tx, now).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(removed)
    }

    /// In transactions of their own, so that nobody waits long for the writer.
    async fn remove_in_batches(
        &self,
        before: Timestamp,
        delete: impl AsyncFn(&mut Tx, Timestamp) -> db::Result<u64>,
    ) -> Result<u64, Error> {
        let mut all = 0;
        loop {
            let mut tx = self.0.db.begin().await?;
            let some = delete(&mut tx, before).await?;
            tx.commit().await?;
            all += some;
            if some == 0 {
                return Ok(all);
            }
        }
    }
}

fn at_home(member: Member, ctx: &Ctx) -> Result<Member, Error> {
    if member.user.home == ctx.workspace { Ok(member) } else { Err(Error::NotHome) }
}

async fn deleted(tx: &mut Tx, ctx: &Ctx, id: UserId) -> Result<Member, Error> {
    let found = store::users::find_deleted_member(tx, ctx.workspace, id).await?;
    at_home(found.ok_or(Error::UserNotFound(id))?, ctx)
}
