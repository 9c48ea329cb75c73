//! The mails that accounts get. They go out by the tasks of `notifications`, in the transaction in which it happens.

use db::Tx;
use jiff::SignedDuration;
use kernel::{Ctx, Locale, Timestamp, WorkspaceId};
use platform::{Mail, installation::DEFAULT_LANGUAGE};
use serde_json::{Value, json};

use super::Identity;
use crate::{
    error::Error,
    model::{Hash, Session, Token, User, Visit},
    store,
};

/// A link that works once, before it is written down.
pub(super) struct NewLink {
    token: Token,
    /// When it is made, and until when it works.
    pub(super) times: [Timestamp; 2],
}

impl NewLink {
    pub(super) fn new(now: Timestamp, ttl_s: u32) -> Self {
        let expires_at = now + SignedDuration::from_secs(ttl_s.into());
        Self { token: Token::random(&mut rand::rng()), times: [now, expires_at] }
    }

    pub(super) fn hash(&self) -> Hash {
        self.token.hash()
    }

    pub(super) fn expires_at(&self) -> Timestamp {
        self.times[1]
    }
}

impl Identity {
    /// The link on a page of the console: always under the address that the settings give, never under one that the
    /// request named.
    pub(super) fn url(&self, page: &str, link: &NewLink) -> String {
        format!("{}/{page}?token={}", self.public_url(), link.token.text())
    }

    /// One mail to somebody with an account; `params` beside their name.
    pub(super) async fn write_to(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        user: &User,
        template: &'static str,
        params: Value,
    ) -> Result<(), Error> {
        let locale = user.locale.unwrap_or_else(|| self.default_locale());
        self.write(tx, ctx, &user.email, template, locale, with_name(params, &user.first_name)).await
    }

    /// One mail to an address.
    pub(super) async fn write(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        to: &str,
        template: &'static str,
        locale: Locale,
        params: Value,
    ) -> Result<(), Error> {
        let Value::Object(mut params) = params else { return Ok(()) };
        params.entry("name").or_insert_with(|| json!(""));
        let mail = Mail { to: to.to_owned(), template: template.to_owned(), params, locale };
        self.0.jobs.enqueue(tx, ctx, mail).await?;
        Ok(())
    }

    /// Of a sign-in from an address and a device that are both new; not of the first one ever.
    pub(super) async fn tell_of_new_device(
        &self,
        tx: &mut Tx,
        visit: &Visit,
        user: &User,
        session: &Session,
    ) -> Result<(), Error> {
        if !self.sends_mail() || user.last_login_at.is_none() {
            return Ok(());
        }
        let address = session.address.as_deref();
        if store::sessions::is_familiar(tx, user.id, &session.device, address, visit.now).await? {
            return Ok(());
        }
        let params = json!({
            "at": shown(visit.now),
            "device": session.device,
            "address": address,
            "account_url": format!("{}/account", self.public_url()),
        });
        self.write_to(tx, &Self::ctx_of(visit, user.home), user, "new-sign-in", params).await
    }

    pub(super) fn default_locale(&self) -> Locale {
        Locale::parse(&self.0.settings.get(&DEFAULT_LANGUAGE)).unwrap_or_default()
    }

    /// For tasks that somebody at the door causes.
    pub(super) fn ctx_of(visit: &Visit, workspace: WorkspaceId) -> Ctx {
        let mut ctx = Ctx::system("identity", workspace, visit.now);
        ctx.request_id = visit.request_id.clone();
        ctx.locale = visit.locale;
        ctx.address = visit.address;
        ctx
    }
}

pub(super) fn with_name(mut params: Value, name: &str) -> Value {
    if let Value::Object(params) = &mut params {
        params.insert("name".to_owned(), json!(name));
    }
    params
}

/// As people read it in a mail.
pub(super) fn shown(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
