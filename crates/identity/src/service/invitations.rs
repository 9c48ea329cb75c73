use std::time::Duration;

use anyhow::Context as _;
use db::Tx;
use jiff::SignedDuration;
use kernel::{Allow, Ctx, Locale, Permission as _, Timestamp};
use limits::{About, Limiter, Limits, Quota, Refused};
use platform::{Mail, People as _};
use serde_json::json;

use super::{
    Identity,
    users::{email, lock},
};
use crate::{
    config::Config,
    error::Error,
    model::{Email, Invitation, InvitationId, NewEntry, Role, Token, Visit, Workspace},
    permissions::{ReadUsers, WriteUsers},
    store,
};

/// Whom to ask to join, and as what.
pub(crate) struct NewInvitation {
    pub(crate) email: String,
    pub(crate) role: String,
    /// `None`: the inviter's.
    pub(crate) locale: Option<Locale>,
}

/// What the holder of a link may know before they accept.
pub(crate) struct Offer {
    pub(crate) invitation: Invitation,
    pub(crate) workspace: Workspace,
    /// The inviter's name; `None` for the command line.
    pub(crate) inviter: Option<String>,
    pub(crate) has_account: bool,
}

/// How many mails may ask people to join: of one workspace, and to one address from all of them.
pub(super) struct Invites {
    workspaces: Limiter,
    addresses: Limiter,
}

const ROUTES: &[&str] = &["POST /api/v1/invitations", "POST /api/v1/invitations/{id}/resend"];
const FORGET_AFTER: SignedDuration = SignedDuration::from_hours(90 * 24);
const WINDOW: Duration = Duration::from_secs(3_600);

impl Invites {
    pub(super) fn new(config: &Config, limits: &Limits) -> anyhow::Result<Self> {
        let limiter = |name, key, max| {
            let quota = Quota::new(max, WINDOW).context("the limits of identity must not be zero")?;
            anyhow::Ok(limits.limiter(About { name, routes: ROUTES, key }, quota))
        };
        Ok(Self {
            workspaces: limiter("identity.invite-workspace", "workspace", config.invite_workspace_max)?,
            addresses: limiter("identity.invite-address", "address", config.invite_address_max)?,
        })
    }

    /// Takes one from each bucket, or from none.
    async fn take(&self, ctx: &Ctx, email: &Email) -> Result<(), Error> {
        let refused = |Refused { retry_after_s }| Error::TooManyInvitations { retry_after_s };
        let workspace = ctx.workspace.to_string();
        self.workspaces.check(&workspace, 1).await.map_err(refused)?;
        if let Err(error) = self.addresses.check(email.key(), 1).await {
            self.workspaces.give_back(&workspace, 1).await;
            return Err(refused(error));
        }
        Ok(())
    }

    /// No mail went out.
    async fn give_back(&self, ctx: &Ctx, email: &Email) {
        self.workspaces.give_back(&ctx.workspace.to_string(), 1).await;
        self.addresses.give_back(email.key(), 1).await;
    }
}

impl Identity {
    /// Asks somebody to join the caller's workspace, by mail. The link is for who reads that mail, not for the caller: it
    /// is in the second place for the command line only.
    pub(crate) async fn invite(
        &self,
        allow: &Allow<WriteUsers>,
        new: NewInvitation,
    ) -> Result<(Invitation, String), Error> {
        let email = email(&new.email)?;
        self.0.invites.take(allow, &email).await?;
        let invited = self.insert_invitation(allow, &email, new).await;
        if invited.is_err() {
            self.0.invites.give_back(allow, &email).await;
        }
        invited
    }

    async fn insert_invitation(
        &self,
        allow: &Allow<WriteUsers>,
        email: &Email,
        new: NewInvitation,
    ) -> Result<(Invitation, String), Error> {
        let token = Token::random(&mut rand::rng());
        let mut tx = self.0.db.begin().await?;
        let workspace = lock(&mut tx, allow).await?;
        let role = self.giveable(&mut tx, allow, &new.role).await?;
        if store::users::find_member_by_email(&mut tx, allow.workspace, email, false).await?.is_some() {
            return Err(Error::AlreadyMember);
        }
        match store::invitations::find_by_email(&mut tx, allow.workspace, email).await? {
            Some(open) if !open.is_expired(allow.now) => return Err(Error::AlreadyInvited),
            Some(expired) => drop(store::invitations::close(&mut tx, expired.id, None, allow.now).await?),
            None => {}
        }
        let invitation = Invitation {
            id: InvitationId::new(allow.now),
            workspace: allow.workspace,
            email: email.shown().to_owned(),
            role: role.name,
            locale: new.locale.unwrap_or(allow.locale),
            invited_by: allow.actor.user(),
            created_at: allow.now,
            sent_at: allow.now,
            expires_at: self.invitation_expiry(allow.now),
        };
        store::invitations::insert(&mut tx, &invitation, email, &token.hash()).await?;
        let link = self.send_invitation(&mut tx, allow, &workspace, &invitation, &token).await?;
        let entry = NewEntry::by(allow, "identity.invited")
            .target(invitation.id)
            .detail(json!({ "email": invitation.email, "role": invitation.role }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        Ok((invitation, link))
    }

    /// The same once more, by a new link; the one before stops working.
    pub(crate) async fn resend_invitation(
        &self,
        allow: &Allow<WriteUsers>,
        id: InvitationId,
    ) -> Result<Invitation, Error> {
        let found = {
            let mut tx = self.0.db.read().await?;
            store::invitations::find(&mut tx, allow.workspace, id).await?
        };
        let email = email(&found.ok_or(Error::InvitationNotFound(id.to_string()))?.email)?;
        self.0.invites.take(allow, &email).await?;
        let sent = self.send_again(allow, id).await;
        if sent.is_err() {
            self.0.invites.give_back(allow, &email).await;
        }
        sent
    }

    async fn send_again(&self, allow: &Allow<WriteUsers>, id: InvitationId) -> Result<Invitation, Error> {
        let token = Token::random(&mut rand::rng());
        let mut tx = self.0.db.begin().await?;
        let workspace = lock(&mut tx, allow).await?;
        let found = store::invitations::find(&mut tx, allow.workspace, id).await?;
        let mut invitation = found.ok_or(Error::InvitationNotFound(id.to_string()))?;
        self.giveable(&mut tx, allow, &invitation.role).await?;
        invitation.sent_at = allow.now;
        invitation.expires_at = self.invitation_expiry(allow.now);
        store::invitations::save_sent(&mut tx, &invitation, &token.hash()).await?;
        self.send_invitation(&mut tx, allow, &workspace, &invitation, &token).await?;
        self.write_down(&mut tx, NewEntry::by(allow, "identity.invitation-resent").target(id)).await?;
        tx.commit().await?;
        Ok(invitation)
    }

    /// The link stops working.
    pub(crate) async fn revoke_invitation(
        &self,
        allow: &Allow<WriteUsers>,
        id: InvitationId,
    ) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        lock(&mut tx, allow).await?;
        let found = store::invitations::find(&mut tx, allow.workspace, id).await?;
        let invitation = found.ok_or(Error::InvitationNotFound(id.to_string()))?;
        self.giveable(&mut tx, allow, &invitation.role).await?;
        store::invitations::close(&mut tx, id, None, allow.now).await?;
        let entry = NewEntry::by(allow, "identity.invitation-revoked")
            .target(id)
            .detail(json!({ "email": invitation.email, "role": invitation.role }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Those that were neither accepted nor revoked, the newest first, and how many there are.
    pub(crate) async fn list_invitations(
        &self,
        allow: &Allow<ReadUsers>,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<Invitation>, u64), Error> {
        let mut tx = self.0.db.read().await?;
        let total = store::invitations::count(&mut tx, allow.workspace).await?;
        Ok((store::invitations::list(&mut tx, allow.workspace, limit, offset).await?, total))
    }

    /// What a link offers.
    pub(crate) async fn look_at_invitation(&self, visit: &Visit, token: &str) -> Result<Offer, Error> {
        let token = Token::parse(token).ok_or(Error::LinkRefused)?.hash();
        let mut tx = self.0.db.read().await?;
        let found = store::invitations::find_by_token(&mut tx, &token).await?;
        let invitation = found.ok_or(Error::LinkRefused)?;
        let (workspace, _) = self.check_invitation(&mut tx, &invitation, visit.now).await?;
        let email = email(&invitation.email)?;
        let has_account = store::users::find_account(&mut tx, &email).await?.is_some();
        let inviter = match invitation.invited_by {
            Some(id) => self.person(&mut tx, id).await?.map(|person| person.name),
            None => None,
        };
        Ok(Offer { invitation, workspace, inviter, has_account })
    }

    /// Does it still count? Whoever made it must still be there, and still be allowed to give that role: what somebody
    /// sent out does not outlive their own right.
    pub(super) async fn check_invitation(
        &self,
        tx: &mut Tx,
        invitation: &Invitation,
        now: Timestamp,
    ) -> Result<(Workspace, Role), Error> {
        if invitation.is_expired(now) {
            return Err(Error::LinkRefused);
        }
        let workspace = store::workspaces::find(tx, invitation.workspace).await?;
        let workspace = workspace.filter(|found| found.deleted_at.is_none()).ok_or(Error::LinkRefused)?;
        let role = store::roles::find(tx, workspace.id, &invitation.role).await?.ok_or(Error::LinkRefused)?;
        if let Some(inviter) = invitation.invited_by {
            let inviter = self.member(tx, workspace.id, inviter).await?;
            let inviter = inviter.filter(|inviter| inviter.person.is_active).ok_or(Error::LinkRefused)?;
            let may_give = inviter.grants.has(WriteUsers::NAME)
                && self.0.catalogue.may_give(&inviter.grants, workspace.is_first, &role);
            if !may_give {
                return Err(Error::LinkRefused);
            }
        }
        Ok((workspace, role))
    }

    /// Removes those that were accepted, revoked or expired 90 days ago.
    pub(crate) async fn forget_invitations(&self, now: Timestamp) -> Result<u64, Error> {
        let mut tx = self.0.db.begin().await?;
        let forgotten = store::invitations::forget(&mut tx, now - FORGET_AFTER).await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    fn invitation_expiry(&self, now: Timestamp) -> Timestamp {
        now + SignedDuration::from_secs(self.config().invitation_ttl_s.into())
    }

    /// Enqueues the mail; the link that is in it.
    async fn send_invitation(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        workspace: &Workspace,
        invitation: &Invitation,
        token: &Token,
    ) -> Result<String, Error> {
        let inviter = match ctx.actor.user() {
            Some(id) => self.person(tx, id).await?.map(|person| person.name),
            None => None,
        };
        let link = format!("{}/invitation?token={}", self.public_url(), token.text());
        let params = json!({
            "workspace": workspace.name,
            "inviter": inviter.unwrap_or_default(),
            "role": invitation.role,
            "link_url": link,
            "days": i64::from(self.config().invitation_ttl_s) / 86_400,
        });
        let mail = Mail {
            to: invitation.email.clone(),
            template: "invitation".to_owned(),
            params: params.as_object().cloned().unwrap_or_default(),
            locale: invitation.locale,
        };
        self.0.jobs.enqueue(tx, ctx, mail).await?;
        Ok(link)
    }
}
