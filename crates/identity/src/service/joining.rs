//! How somebody who was invited joins.

use kernel::{Secret, UserId};
use serde_json::json;

use super::{Identity, SignedIn, sessions::person_name, users::email};
use crate::{
    error::Error,
    model::{Account, Email, Invitation, NewEntry, SessionKind, Token, User, UserKind, Visit, refuse_length},
    store::{self, links::Purpose},
};
use db::OnConstraint as _;

/// What the holder of a link says of themselves. A new account needs a password; who has one is signed in.
pub(crate) struct Joining {
    pub(crate) token: String,
    pub(crate) password: Option<Secret<String>>,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
}

/// Who joins.
enum Joiner {
    New {
        user: Box<User>,
        password_hash: String,
    },
    /// Signed in.
    Known(UserId),
    /// An account in no workspace: nobody can sign in with it, so the link alone must do, as one for a new password would.
    Stranded {
        user: UserId,
        password_hash: String,
    },
}

impl Identity {
    /// Accepts an invitation: for the address that it was sent to, and no other.
    pub(crate) async fn join(
        &self,
        visit: &Visit,
        signed_in: Option<&SignedIn>,
        joining: Joining,
    ) -> Result<(), Error> {
        if let Some(reason) = joining.password.as_ref().and_then(|password| refuse_length(password.expose()))
        {
            return Err(Error::Invalid { pointer: "/password", reason: reason.to_owned() });
        }
        person_name("/first_name", &joining.first_name)?;
        person_name("/last_name", &joining.last_name)?;
        let hash = Token::parse(&joining.token).ok_or(Error::LinkRefused)?.hash();
        let (invitation, account, is_stranded) = {
            let mut tx = self.0.db.read().await?;
            let found = store::invitations::find_by_token(&mut tx, &hash).await?;
            let invitation = found.ok_or(Error::LinkRefused)?;
            self.check_invitation(&mut tx, &invitation, visit.now).await?;
            let account = store::users::find_account(&mut tx, &email(&invitation.email)?).await?;
            let is_stranded = match &account {
                Some(account) => self.memberships(&mut tx, account.user.id).await?.is_empty(),
                None => false,
            };
            (invitation, account, is_stranded)
        };
        let joiner = self.joiner(visit, signed_in, joining, &invitation, account, is_stranded).await?;

        let mut tx = self.0.db.begin().await?;
        let locked = store::workspaces::lock(&mut tx, invitation.workspace).await?;
        locked.ok_or(Error::LinkRefused)?;
        // A newer mail may have taken the link's place meanwhile, or the inviter's right may be gone.
        let found = store::invitations::find_by_token(&mut tx, &hash).await?;
        let invitation = found.ok_or(Error::LinkRefused)?;
        let (workspace, role) = self.check_invitation(&mut tx, &invitation, visit.now).await?;
        let user = match &joiner {
            Joiner::New { user, password_hash } => {
                store::users::insert(&mut tx, user, &email(&invitation.email)?, Some(password_hash))
                    .await
                    .on_constraint("identity_users_email_key_key", || Error::EmailTaken)?;
                user.id
            }
            Joiner::Known(user) => *user,
            Joiner::Stranded { user, password_hash } => {
                if !self.memberships(&mut tx, *user).await?.is_empty() {
                    return Err(Error::SignInFirst);
                }
                store::users::save_password(&mut tx, *user, password_hash, visit.now).await?;
                store::links::revoke(&mut tx, *user, Purpose::ResetPassword, visit.now).await?;
                store::sessions::end_all(&mut tx, *user, None, "password reset", visit.now).await?;
                store::invitations::save_home(&mut tx, *user, workspace.id).await?;
                *user
            }
        };
        store::invitations::mark_verified(&mut tx, user, visit.now).await?;
        if !store::workspaces::insert_membership(&mut tx, workspace.id, user, &role.name, visit.now).await? {
            return Err(Error::AlreadyMember);
        }
        if !store::invitations::close(&mut tx, invitation.id, Some(user), visit.now).await? {
            return Err(Error::LinkRefused);
        }
        let detail = json!({
            "email": invitation.email,
            "role": role.name,
            "invitation": invitation.id,
            "invited_by": invitation.invited_by,
            "is_new": matches!(joiner, Joiner::New { .. }),
        });
        let entry =
            NewEntry::during(visit, workspace.id, "identity.invitation-accepted").actor(user).target(user);
        self.write_down(&mut tx, entry.detail(detail)).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }

    async fn joiner(
        &self,
        visit: &Visit,
        signed_in: Option<&SignedIn>,
        joining: Joining,
        invitation: &Invitation,
        account: Option<Account>,
        is_stranded: bool,
    ) -> Result<Joiner, Error> {
        let email = email(&invitation.email)?;
        let Some(account) = account else {
            let user = User {
                id: UserId::new(visit.now),
                kind: UserKind::Person,
                home: invitation.workspace,
                email: email.shown().to_owned(),
                first_name: person_name("/first_name", &joining.first_name)?,
                last_name: person_name("/last_name", &joining.last_name)?,
                locale: Some(invitation.locale),
                is_active: true,
                is_verified: true,
                created_at: visit.now,
                updated_at: visit.now,
                last_login_at: None,
                deleted_at: None,
                pending_email: None,
            };
            let password_hash = self.chosen(joining.password, email).await?;
            return Ok(Joiner::New { user: Box::new(user), password_hash });
        };
        if account.user.deleted_at.is_some()
            || !account.user.is_active
            || account.user.kind != UserKind::Person
        {
            return Err(Error::AccountUnavailable);
        }
        // A token that is narrowed, or that an application holds, joins nothing.
        let whole = |signed_in: &&SignedIn| {
            matches!(signed_in.session.kind, SessionKind::Browser | SessionKind::Program)
                && signed_in.session.scopes.is_empty()
        };
        match signed_in.filter(whole) {
            Some(signed_in) if signed_in.user.id == account.user.id => Ok(Joiner::Known(account.user.id)),
            Some(_) => Err(Error::InvitationForAnother),
            None if is_stranded => {
                let password_hash = self.chosen(joining.password, email).await?;
                Ok(Joiner::Stranded { user: account.user.id, password_hash })
            }
            None => Err(Error::SignInFirst),
        }
    }

    async fn chosen(&self, password: Option<Secret<String>>, email: Email) -> Result<String, Error> {
        let invalid = |reason: &str| Error::Invalid { pointer: "/password", reason: reason.to_owned() };
        let password = password.ok_or_else(|| invalid("is needed: this address has no account yet"))?;
        if let Some(reason) = refuse_length(password.expose()) {
            return Err(invalid(reason));
        }
        self.0.passwords.hash(password, email, "/password").await
    }
}
