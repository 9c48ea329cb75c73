use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use db::Tx;
use kernel::{Locale, Secret, UserId, WorkspaceId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Identity,
    answers::{Asked, Request, SEALED_FOR},
    doors::Door,
    letters::NewLink,
    sessions::person_name,
    users::email,
};
use crate::{
    error::Error,
    jobs::AnswerByMail,
    model::{Email, Hash, NewEntry, Token, User, UserKind, Visit, refuse_length},
    settings::{OPEN, REGISTRATION, REGISTRATION_ROLE},
    store::{self, links::Purpose},
};

/// What somebody says of themselves to get an account.
pub(crate) struct Registration {
    pub(crate) email: String,
    pub(crate) password: Secret<String>,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) locale: Option<Locale>,
}

/// A registration that waits for its link to be used. Each link has its own, so that who registers somebody else's
/// address first leaves nothing of theirs behind: the account gets what came with the link that its owner uses.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Registered {
    pub(super) password_hash: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
    /// A language tag.
    pub(super) locale: Option<String>,
}

impl Registered {
    pub(super) fn locale(&self) -> Option<Locale> {
        self.locale.as_deref().and_then(Locale::parse)
    }
}

impl Identity {
    /// May people make accounts by themselves? In the workspace that this gives.
    pub(crate) async fn registration(&self) -> Result<Option<WorkspaceId>, Error> {
        if self.0.settings.get(&REGISTRATION) != OPEN {
            return Ok(None);
        }
        // Before the first run there is nothing to register with.
        self.default_workspace().await
    }

    /// Takes a registration. What becomes of it is told by mail alone: the work here is the same whether the address has an
    /// account or not.
    pub(crate) async fn register(&self, visit: &Visit, new: Registration) -> Result<(), Error> {
        let workspace = self.registration().await?.ok_or(Error::RegistrationClosed)?;
        let email = email(&new.email)?;
        let first_name = person_name("/first_name", &new.first_name)?;
        let last_name = person_name("/last_name", &new.last_name)?;
        if let Some(reason) = refuse_length(new.password.expose()) {
            return Err(Error::Invalid { pointer: "/password", reason: reason.to_owned() });
        }
        self.0.doors.take(Door::Register, visit.address, email.key()).await?;
        let hashed = self.0.passwords.hash(new.password, email.clone(), "/password").await;
        if hashed.is_err() {
            self.0.doors.give_back(Door::Register, visit.address, email.key()).await;
        }
        let registered = Registered {
            password_hash: hashed?,
            first_name,
            last_name,
            locale: new.locale.map(|locale| locale.tag().to_owned()),
        };
        self.ask(visit, workspace, Asked::Register { email: email.shown().to_owned(), registered }).await
    }

    /// A mail to set a new password by, if the address has an account.
    pub(crate) async fn forgot_password(&self, visit: &Visit, typed: &str) -> Result<(), Error> {
        self.ask_for(visit, Door::Forgot, typed, |email| Asked::Forgot { email }).await
    }

    /// The mail that confirms an address once more, if it waits for that.
    pub(crate) async fn resend_verification(&self, visit: &Visit, typed: &str) -> Result<(), Error> {
        self.ask_for(visit, Door::Resend, typed, |email| Asked::Resend { email }).await
    }

    async fn ask_for(
        &self,
        visit: &Visit,
        door: Door,
        typed: &str,
        asked: impl FnOnce(String) -> Asked,
    ) -> Result<(), Error> {
        let email = email(typed)?;
        self.0.doors.take(door, visit.address, email.key()).await?;
        // Before the first run there is nobody.
        let Some(workspace) = self.default_workspace().await? else { return Ok(()) };
        self.ask(visit, workspace, asked(email.shown().to_owned())).await
    }

    async fn ask(&self, visit: &Visit, workspace: WorkspaceId, asked: Asked) -> Result<(), Error> {
        if !self.0.sends_mail {
            tracing::warn!("somebody waits for a mail of their account, but no mail server is configured");
        }
        let request = Request { asked, address: visit.address };
        let text = serde_json::to_vec(&request).map_err(|error| Error::Seal(error.to_string()))?;
        let sealed = self.0.tokens.seal().close(SEALED_FOR, &text);
        let sealed = sealed.map_err(|error| Error::Seal(error.to_string()))?;
        let mut tx = self.0.db.begin().await?;
        let task = AnswerByMail { sealed: STANDARD_NO_PAD.encode(sealed) };
        self.0.jobs.enqueue(&mut tx, &Self::ctx_of(visit, workspace), task).await?;
        tx.commit().await?;
        Ok(())
    }

    /// An account that waits for its address to be confirmed; `None` when another request was faster.
    pub(super) async fn insert_registered(
        &self,
        tx: &mut Tx,
        visit: &Visit,
        workspace: WorkspaceId,
        email: &Email,
        registered: &Registered,
    ) -> Result<Option<User>, Error> {
        let user = User {
            id: UserId::new(visit.now),
            kind: UserKind::Person,
            home: workspace,
            email: email.shown().to_owned(),
            first_name: registered.first_name.clone(),
            last_name: registered.last_name.clone(),
            locale: registered.locale(),
            is_active: true,
            is_verified: false,
            created_at: visit.now,
            updated_at: visit.now,
            last_login_at: None,
            deleted_at: None,
            pending_email: None,
        };
        if !store::users::insert_unverified(tx, &user, email).await? {
            return Ok(None);
        }
        let role = self.role_of_registration(tx, workspace).await?;
        store::workspaces::insert_membership(tx, workspace, user.id, &role, visit.now).await?;
        Ok(Some(user))
    }

    async fn role_of_registration(&self, tx: &mut Tx, workspace: WorkspaceId) -> Result<String, Error> {
        let wanted = self.0.settings.get(&REGISTRATION_ROLE);
        let found = store::roles::find(tx, workspace, &wanted).await?;
        Ok(match found {
            Some(role) if !role.is_everything() => role.name,
            _ => {
                tracing::warn!(
                    role = wanted,
                    "identity.registration_role is no role, or holds everything: user instead"
                );
                REGISTRATION_ROLE_DEFAULT.to_owned()
            }
        })
    }

    /// Confirms the address of an account, once.
    pub(crate) async fn verify_email(&self, visit: &Visit, token: &str) -> Result<(), Error> {
        self.0.doors.try_link(visit.address).await?;
        let hash = Token::parse(token).ok_or(Error::LinkRefused)?.hash();
        self.use_verification(visit, &hash).await?;
        self.0.doors.link_worked(visit.address).await;
        self.0.live.changed();
        Ok(())
    }

    async fn use_verification(&self, visit: &Visit, hash: &Hash) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        let link = store::links::consume(&mut tx, hash, Purpose::VerifyEmail, visit.now).await?;
        let link = link.ok_or(Error::LinkRefused)?;
        let id = link.user.ok_or(Error::LinkRefused)?;
        let account = store::users::find_account_by_id(&mut tx, id).await?.ok_or(Error::LinkRefused)?;
        let waits = account.user.is_active && account.user.deleted_at.is_none() && !account.user.is_verified;
        if !waits {
            return Err(Error::LinkRefused);
        }
        let mut user = account.user;
        // Whoever made the account otherwise chose the password otherwise.
        let registered: Option<Registered> = link.payload();
        if let Some(registered) =
            registered.filter(|_| account.must_verify && account.password_hash.is_none())
        {
            user.locale = registered.locale().or(user.locale);
            user.first_name = registered.first_name;
            user.last_name = registered.last_name;
            store::users::save_password(&mut tx, id, &registered.password_hash, visit.now).await?;
        }
        user.updated_at = visit.now;
        store::users::save(&mut tx, &user).await?;
        store::users::save_verified(&mut tx, id, true, visit.now).await?;
        self.revoke_proofs(&mut tx, id, visit).await?;
        let entry = NewEntry::during(visit, user.home, "identity.email-verified")
            .actor(id)
            .target(id)
            .detail(json!({
                "email": user.email
            }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Every other link that the owner of the address got before this moment.
    pub(super) async fn revoke_proofs(&self, tx: &mut Tx, id: UserId, visit: &Visit) -> Result<(), Error> {
        for purpose in [Purpose::VerifyEmail, Purpose::ResetPassword] {
            store::links::revoke(tx, id, purpose, visit.now).await?;
        }
        Ok(())
    }

    /// A link that confirms the account's address, and sets what was registered.
    pub(super) async fn insert_verification(
        &self,
        tx: &mut Tx,
        visit: &Visit,
        user: UserId,
        registered: Option<&Registered>,
    ) -> Result<NewLink, Error> {
        let link = NewLink::new(visit.now, self.config().verify_link_ttl_s);
        store::links::insert_with(tx, &link.hash(), Purpose::VerifyEmail, user, &registered, link.times)
            .await?;
        Ok(link)
    }
}

const REGISTRATION_ROLE_DEFAULT: &str = "user";
