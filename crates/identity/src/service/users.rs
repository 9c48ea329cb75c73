use db::{OnConstraint as _, Tx};
use kernel::{Allow, Ctx, Locale, Secret, UserId, WorkspaceId};
use serde_json::json;

use super::{
    Identity,
    answers::Mailed,
    letters::{self, NewLink},
    sessions::person_name,
};
use crate::{
    error::Error,
    model::{ADMIN, Email, Member, MemberFilter, NewEntry, User, UserKind, Workspace},
    permissions::{ReadUsers, WriteUsers},
    store::{self, links::Purpose},
};

/// An account to be created in the caller's workspace.
pub(crate) struct NewUser {
    pub(crate) email: String,
    /// `None`: they get a mail with a link to choose one by.
    pub(crate) password: Option<Secret<String>>,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) locale: Option<Locale>,
    pub(crate) role: String,
    /// Somebody vouches for the address.
    pub(crate) is_verified: bool,
}

/// What an administrator changes of an account; `None` leaves it.
#[derive(Debug, Default)]
pub(crate) struct UserChange {
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) is_active: Option<bool>,
    /// Somebody vouches for the address, or no longer.
    pub(crate) is_verified: Option<bool>,
    pub(crate) email: Option<String>,
    pub(crate) locale: Option<Locale>,
    /// In place of all that they have.
    pub(crate) role: Option<String>,
    /// Several, likewise.
    pub(crate) roles: Option<Vec<String>>,
}

impl UserChange {
    /// Anything beyond the role in this workspace?
    fn touches_account(&self) -> bool {
        self.first_name.is_some()
            || self.last_name.is_some()
            || self.is_active.is_some()
            || self.is_verified.is_some()
            || self.email.is_some()
            || self.locale.is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.touches_account() && self.role.is_none() && self.roles.is_none()
    }
}

impl Identity {
    /// Some of the workspace's people, the oldest accounts first, and how many match.
    pub(crate) async fn list_users(
        &self,
        allow: &Allow<ReadUsers>,
        filter: &MemberFilter,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<Member>, u64), Error> {
        let mut tx = self.0.db.read().await?;
        let total = store::users::count_members(&mut tx, allow.workspace, filter).await?;
        Ok((store::users::list_members(&mut tx, allow.workspace, filter, limit, offset).await?, total))
    }

    pub(crate) async fn get_user(&self, allow: &Allow<ReadUsers>, id: UserId) -> Result<Member, Error> {
        let mut tx = self.0.db.read().await?;
        member(&mut tx, allow, id).await
    }

    pub(crate) async fn find_user_by_email(
        &self,
        allow: &Allow<ReadUsers>,
        email: &Email,
        deleted: bool,
    ) -> Result<Option<Member>, Error> {
        let mut tx = self.0.db.read().await?;
        Ok(store::users::find_member_by_email(&mut tx, allow.workspace, email, deleted).await?)
    }

    pub(crate) async fn create_user(&self, allow: &Allow<WriteUsers>, new: NewUser) -> Result<Member, Error> {
        let email = email(&new.email)?;
        let user = User {
            id: UserId::new(allow.now),
            kind: UserKind::Person,
            home: allow.workspace,
            email: email.shown().to_owned(),
            first_name: person_name("/first_name", &new.first_name)?,
            last_name: person_name("/last_name", &new.last_name)?,
            locale: new.locale,
            is_active: true,
            is_verified: new.is_verified,
            created_at: allow.now,
            updated_at: allow.now,
            last_login_at: None,
            deleted_at: None,
            pending_email: None,
        };
        if new.password.is_none() && !self.sends_mail() {
            return Err(Error::NoMail);
        }
        // Asked before the hash, so that a refusal costs nothing.
        {
            let mut tx = self.0.db.read().await?;
            self.giveable(&mut tx, allow, &new.role).await?;
            free(&mut tx, allow, &email, None).await?;
        }
        let hash = match new.password {
            Some(password) => Some(self.0.passwords.hash(password, email.clone(), "/password").await?),
            None => None,
        };
        let mut tx = self.0.db.begin().await?;
        lock(&mut tx, allow).await?;
        let role = self.giveable(&mut tx, allow, &new.role).await?;
        store::users::insert(&mut tx, &user, &email, hash.as_deref())
            .await
            .on_constraint("identity_users_email_key_key", || Error::EmailTaken)?;
        store::workspaces::insert_membership(&mut tx, allow.workspace, user.id, &role.name, allow.now)
            .await?;
        if hash.is_none() {
            self.send_first_password(&mut tx, allow, &user).await?;
        }
        let entry = NewEntry::by(allow, "identity.user-created")
            .target(user.id)
            .detail(json!({ "email": user.email, "roles": [role.name], "link_mailed": hash.is_none() }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(Member { user, roles: vec![role.name] })
    }

    /// A link by which somebody for whom an account was made chooses its password.
    async fn send_first_password(&self, tx: &mut Tx, ctx: &Ctx, user: &User) -> Result<(), Error> {
        let link = NewLink::new(ctx.now, self.config().verify_link_ttl_s);
        let mailed = Mailed { mailed: true };
        let hash = link.hash();
        store::links::insert_with(tx, &hash, Purpose::ResetPassword, user.id, &mailed, link.times).await?;
        self.write_to(tx, ctx, user, "set-password", self.reset_params(&link)).await
    }

    pub(crate) async fn update_user(
        &self,
        allow: &Allow<WriteUsers>,
        id: UserId,
        change: UserChange,
    ) -> Result<Member, Error> {
        let mut tx = self.0.db.begin().await?;
        lock(&mut tx, allow).await?;
        let before = member(&mut tx, allow, id).await?;
        self.manageable(&mut tx, allow, &before).await?;
        if change.touches_account() && before.user.home != allow.workspace {
            return Err(Error::NotHome);
        }
        let mut after = before.clone();
        if let Some(text) = &change.email {
            self.set_email(&mut tx, allow, &before.user, &email(text)?).await?;
            after.user.email = email(text)?.shown().to_owned();
            after.user.is_verified = false;
            after.user.pending_email = None;
        }
        if let Some(is_verified) = change.is_verified {
            after.user.is_verified = is_verified;
        }
        if let Some(name) = &change.first_name {
            after.user.first_name = person_name("/first_name", name)?;
        }
        if let Some(name) = &change.last_name {
            after.user.last_name = person_name("/last_name", name)?;
        }
        if let Some(is_active) = change.is_active {
            after.user.is_active = is_active;
        }
        if change.locale.is_some() {
            after.user.locale = change.locale;
        }
        if let Some(roles) = &change.roles {
            after.roles.clear();
            for role in roles {
                after.roles.push(self.giveable(&mut tx, allow, role).await?.name);
            }
        }
        if let Some(role) = &change.role {
            after.roles = vec![self.giveable(&mut tx, allow, role).await?.name];
        }
        let is_admin = |member: &Member| member.has_role(ADMIN) && member.user.is_active;
        if before.user.is_active && !after.user.is_active {
            self.require_other_admins(&mut tx, id).await?;
        } else if is_admin(&before) && !is_admin(&after) {
            refuse_last_admin(&mut tx, allow.workspace).await?;
        }
        if change.touches_account() {
            after.user.updated_at = allow.now;
            store::users::save(&mut tx, &after.user).await?;
            store::users::save_verified(&mut tx, id, after.user.is_verified, allow.now).await?;
        }
        if change.is_verified.is_some() {
            // What a stranger registered for this address must not come in by a link that is still on its way.
            store::links::revoke(&mut tx, id, Purpose::VerifyEmail, allow.now).await?;
        }
        if after.roles != before.roles {
            store::workspaces::save_membership(&mut tx, allow.workspace, id, &after.roles).await?;
        }
        if !after.user.is_active {
            store::sessions::end_all(&mut tx, id, None, "account disabled", allow.now).await?;
        }
        if before.user.is_active && !after.user.is_active {
            let params = json!({ "at": letters::shown(allow.now) });
            self.write_to(&mut tx, allow, &after.user, "account-disabled", params).await?;
        }
        let entry = NewEntry::by(allow, "identity.user-updated")
            .target(id)
            .detail(json!({ "before": shown(&before), "after": shown(&after) }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(after)
    }
}

impl Identity {
    /// Gives an account another address at an administrator's word; both addresses are told.
    async fn set_email(&self, tx: &mut Tx, ctx: &Ctx, user: &User, new: &Email) -> Result<(), Error> {
        if ctx.actor.user() == Some(user.id) {
            return Err(Error::OwnAccount);
        }
        free(tx, ctx, new, Some(user.id)).await?;
        store::users::save_email(tx, user.id, new, false, ctx.now)
            .await
            .on_constraint("identity_users_email_key_key", || Error::EmailTaken)?;
        for purpose in [Purpose::VerifyEmail, Purpose::ResetPassword] {
            store::links::revoke(tx, user.id, purpose, ctx.now).await?;
        }
        self.forget_email_change(tx, user.id).await?;
        if user.email == new.shown() {
            return Ok(());
        }
        self.tell_of_new_email(tx, ctx, user, new).await
    }
}

/// Is the address nobody's, or this account's own?
async fn free(tx: &mut Tx, ctx: &Ctx, email: &Email, own: Option<UserId>) -> Result<(), Error> {
    match store::users::find_account(tx, email).await? {
        Some(holder) if Some(holder.user.id) == own => Ok(()),
        Some(holder) if holder.user.deleted_at.is_some() && holder.user.home == ctx.workspace => {
            Err(Error::EmailOfDeleted)
        }
        Some(_) => Err(Error::EmailTaken),
        None => Ok(()),
    }
}

/// What the audit log says of a member.
fn shown(member: &Member) -> serde_json::Value {
    json!({
        "email": member.user.email,
        "is_verified": member.user.is_verified,
        "first_name": member.user.first_name,
        "last_name": member.user.last_name,
        "is_active": member.user.is_active,
        "roles": member.roles,
    })
}

pub(super) fn email(text: &str) -> Result<Email, Error> {
    Email::parse(text)
        .ok_or_else(|| Error::Invalid { pointer: "/email", reason: "is no e-mail address".to_owned() })
}

/// Somebody of the caller's workspace; anybody else does not exist.
pub(super) async fn member(tx: &mut Tx, ctx: &Ctx, id: UserId) -> Result<Member, Error> {
    store::users::find_member(tx, ctx.workspace, id).await?.ok_or(Error::UserNotFound(id))
}

/// Takes the caller's workspace for changes of its members and roles, before any of them is read.
pub(super) async fn lock(tx: &mut Tx, ctx: &Ctx) -> Result<Workspace, Error> {
    store::workspaces::lock(tx, ctx.workspace).await?.ok_or(Error::WorkspaceNotFound(ctx.workspace))
}

/// Asked by who takes an administrator away, while that one still counts; the workspace is locked.
pub(super) async fn refuse_last_admin(tx: &mut Tx, workspace: WorkspaceId) -> Result<(), Error> {
    match store::users::count_active_with_role(tx, workspace, ADMIN).await? {
        0 | 1 => Err(Error::LastAdmin),
        _ => Ok(()),
    }
}
