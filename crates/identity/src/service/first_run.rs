use std::sync::atomic::Ordering;

use jiff::SignedDuration;
use kernel::{Secret, UserId, WorkspaceId};

use super::{BrowserSession, Identity, sessions::person_name, users::email};
use crate::{
    error::Error,
    model::{ADMIN, NewEntry, SessionKind, Token, User, UserKind, Visit, Workspace},
    store::{self, links::Purpose, sessions::Proof},
};

/// The workspace that the first administrator gets.
pub(crate) const FIRST_WORKSPACE: (&str, &str) = ("Main", "main");

/// What the first administrator says of themselves.
pub(crate) struct FirstAdmin {
    pub(crate) token: String,
    pub(crate) email: String,
    pub(crate) password: Secret<String>,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
}

impl Identity {
    /// A link to create the first administrator with, or `None` when there is an account already. Works once, for
    /// `identity.first_run_link_ttl_s`; to be printed at start.
    pub async fn first_run_link(&self, base_url: &str) -> Result<Option<String>, Error> {
        if !self.first_run_required().await? {
            return Ok(None);
        }
        let now = self.clock().now();
        let token = Token::random(&mut rand::rng());
        let expires_at = now + SignedDuration::from_secs(self.config().first_run_link_ttl_s.into());
        let mut tx = self.0.db.begin().await?;
        store::links::delete_expired(&mut tx, now).await?;
        store::links::insert(&mut tx, &token.hash(), Purpose::FirstRun, None, now, expires_at).await?;
        tx.commit().await?;
        Ok(Some(format!("{}/welcome?token={}", base_url.trim_end_matches('/'), token.text())))
    }

    pub(crate) async fn first_run_required(&self) -> Result<bool, Error> {
        if self.0.settled.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let mut tx = self.0.db.read().await?;
        let any = store::users::any(&mut tx).await?;
        self.0.settled.store(any, Ordering::Relaxed);
        Ok(!any)
    }

    /// Creates the first workspace and its administrator, and signs the browser in.
    pub(crate) async fn first_run(&self, visit: &Visit, admin: FirstAdmin) -> Result<BrowserSession, Error> {
        if !self.first_run_required().await? {
            return Err(Error::FirstRunDone);
        }
        self.0.doors.first_run(visit.address).await?;
        let link = Token::parse(&admin.token).ok_or(Error::LinkRefused)?.hash();
        {
            let mut tx = self.0.db.read().await?;
            let found = store::links::find(&mut tx, &link, Purpose::FirstRun, visit.now).await?;
            found.ok_or(Error::LinkRefused)?;
        }
        let email = email(&admin.email)?;
        let (name, slug) = FIRST_WORKSPACE;
        let mut workspace = Workspace::new(WorkspaceId::new(visit.now), name, slug, visit.now);
        let mut user = User {
            id: UserId::new(visit.now),
            kind: UserKind::Person,
            home: workspace.id,
            email: email.shown().to_owned(),
            first_name: person_name("/first_name", &admin.first_name)?,
            last_name: person_name("/last_name", &admin.last_name)?,
            locale: None,
            is_active: true,
            // Whoever holds the link reads the server's log: no mail proves more.
            is_verified: true,
            created_at: visit.now,
            updated_at: visit.now,
            last_login_at: Some(visit.now),
            deleted_at: None,
            pending_email: None,
        };
        let hash = self.0.passwords.hash(admin.password, email.clone(), "/password").await?;
        let cookie = Token::random(&mut rand::rng());
        let mut session = self.new_session(visit, SessionKind::Browser, user.id, workspace.id, Vec::new());

        let mut tx = self.0.db.begin().await?;
        store::links::consume(&mut tx, &link, Purpose::FirstRun, visit.now)
            .await?
            .ok_or(Error::LinkRefused)?;
        // Of two first runs with different links, the second waits here and then finds the name taken and a user.
        if !store::workspaces::insert(&mut tx, &workspace).await? {
            workspace = store::workspaces::find_first(&mut tx).await?.ok_or(Error::FirstRunDone)?;
            user.home = workspace.id;
            session.workspace = workspace.id;
        }
        if store::users::any(&mut tx).await? {
            return Err(Error::FirstRunDone);
        }
        store::users::insert(&mut tx, &user, &email, Some(&hash)).await?;
        store::users::save_login(&mut tx, user.id, visit.now).await?;
        store::workspaces::insert_membership(&mut tx, workspace.id, user.id, ADMIN, visit.now).await?;
        store::sessions::insert(&mut tx, &session, Proof::Cookie(cookie.hash())).await?;
        let entry =
            NewEntry::during(visit, workspace.id, "identity.first-run").actor(user.id).target(user.id);
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.settled.store(true, Ordering::Relaxed);
        Ok(BrowserSession { id: session.id, cookie })
    }
}
