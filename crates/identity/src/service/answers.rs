//! What a stranger asked for, done by a task and told by mail alone.

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use db::Tx;
use jobs::{JobContext, JobError};
use kernel::Problem;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Identity,
    letters::{NewLink, shown},
    registration::Registered,
};
use crate::{
    error::Error,
    jobs::AnswerByMail,
    model::{Account, Email, NewEntry, User, UserKind, Visit},
    store::{self, links::Purpose},
};

/// What the request is sealed for.
pub(super) const SEALED_FOR: &str = "identity.answer_by_mail";

#[derive(Serialize, Deserialize)]
pub(super) enum Asked {
    Register { email: String, registered: Registered },
    Forgot { email: String },
    Resend { email: String },
}

#[derive(Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) asked: Asked,
    /// From where it was asked.
    pub(super) address: Option<IpAddr>,
}

/// What a mailed reset link holds: whoever uses it reads the mail of the address, which confirms it.
#[derive(Serialize, Deserialize)]
pub(super) struct Mailed {
    pub(super) mailed: bool,
}

impl Identity {
    pub(crate) async fn answer_by_mail(
        &self,
        job: &JobContext,
        asked: &AnswerByMail,
    ) -> Result<Value, JobError> {
        let request = self.unseal(&asked.sealed).map_err(|error| {
            JobError::fatal(Problem::new(500, "identity.unreadable", format!("{error:#}")))
        })?;
        let ctx = job.ctx();
        let visit = Visit {
            request_id: ctx.request_id.clone(),
            now: ctx.now,
            address: request.address,
            device: String::new(),
            locale: ctx.locale,
        };
        let mut tx = self.0.db.begin().await?;
        let entry = self.answer_stranger(&mut tx, &visit, job, request.asked).await?;
        // The result tells nothing: who reads tasks need not know who has an account.
        job.complete_in(&mut tx, Value::Null).await?;
        if let Some(entry) = entry {
            self.write_down(&mut tx, entry).await?;
        }
        tx.commit().await?;
        Ok(Value::Null)
    }

    fn unseal(&self, sealed: &str) -> anyhow::Result<Request> {
        let sealed = STANDARD_NO_PAD.decode(sealed)?;
        let opened = self.0.tokens.seal().open(SEALED_FOR, &sealed)?;
        Ok(serde_json::from_slice(opened.expose())?)
    }

    /// What is to stand in the audit log of it.
    async fn answer_stranger(
        &self,
        tx: &mut Tx,
        visit: &Visit,
        job: &JobContext,
        asked: Asked,
    ) -> Result<Option<NewEntry>, Error> {
        let (Asked::Register { email, .. } | Asked::Forgot { email } | Asked::Resend { email }) = &asked;
        let Some(email) = Email::parse(email) else { return Ok(None) };
        let account = store::users::find_account(tx, &email).await?;
        match (asked, account) {
            (Asked::Register { registered, .. }, None) => {
                let made = self.insert_registered(tx, visit, job.workspace, &email, &registered).await?;
                match made {
                    Some(user) => self.send_verification(tx, visit, &user, &registered, true).await.map(Some),
                    None => match store::users::find_account(tx, &email).await? {
                        Some(account) => self.register_again(tx, visit, account, &registered).await,
                        None => Ok(None),
                    },
                }
            }
            (Asked::Register { registered, .. }, Some(account)) => {
                self.register_again(tx, visit, account, &registered).await
            }
            (Asked::Forgot { .. }, Some(account)) if reachable(&account) => {
                self.send_reset(tx, visit, &account.user, "reset").await.map(Some)
            }
            (Asked::Resend { .. }, Some(account)) if reachable(&account) && !account.user.is_verified => {
                self.verify_again(tx, visit, &account).await.map(Some)
            }
            (Asked::Forgot { .. } | Asked::Resend { .. }, _) => Ok(None),
        }
    }

    /// Somebody registers with an address that has an account.
    async fn register_again(
        &self,
        tx: &mut Tx,
        visit: &Visit,
        account: Account,
        registered: &Registered,
    ) -> Result<Option<NewEntry>, Error> {
        if !reachable(&account) {
            return Ok(None);
        }
        let user = &account.user;
        if account.must_verify && !user.is_verified {
            return self.send_verification(tx, visit, user, registered, false).await.map(Some);
        }
        let ctx = Self::ctx_of(visit, user.home);
        let params = json!({
            "sign_in_url": format!("{}/login", self.public_url()),
            "forgot_url": format!("{}/forgot", self.public_url()),
        });
        self.write_to(tx, &ctx, user, "already-registered", params).await?;
        Ok(Some(NewEntry::during(visit, user.home, "identity.registered-again").target(user.id)))
    }

    async fn send_verification(
        &self,
        tx: &mut Tx,
        visit: &Visit,
        user: &User,
        registered: &Registered,
        is_new: bool,
    ) -> Result<NewEntry, Error> {
        let link = self.insert_verification(tx, visit, user.id, Some(registered)).await?;
        // As who registered says, which need not be who did so first.
        let locale = registered.locale().unwrap_or(visit.locale);
        let params = json!({
            "url": self.url("verify", &link),
            "until": shown(link.expires_at()),
            "address": visit.address.map(|address| address.to_string()),
        });
        let ctx = Self::ctx_of(visit, user.home);
        self.write(tx, &ctx, &user.email, "verify", locale, params).await?;
        let action = if is_new { "identity.registered" } else { "identity.registered-again" };
        Ok(NewEntry::during(visit, user.home, action).target(user.id).detail(json!({ "email": user.email })))
    }

    /// The mail once more. Where several registrations wait, nobody knows whose password its owner wants: they choose one.
    async fn verify_again(&self, tx: &mut Tx, visit: &Visit, account: &Account) -> Result<NewEntry, Error> {
        let user = &account.user;
        let waiting = store::links::list_unused(tx, user.id, Purpose::VerifyEmail).await?;
        let registered: Vec<Registered> = waiting.iter().filter_map(|link| link.payload()).collect();
        let registered = match (&registered[..], &account.password_hash) {
            ([one], None) => Some(one),
            (_, None) => return self.send_reset(tx, visit, user, "set-password").await,
            (_, Some(_)) => None,
        };
        store::links::delete(tx, user.id, Purpose::VerifyEmail).await?;
        let link = self.insert_verification(tx, visit, user.id, registered).await?;
        let params = json!({
            "url": self.url("verify", &link),
            "until": shown(link.expires_at()),
            "address": visit.address.map(|address| address.to_string()),
        });
        let ctx = Self::ctx_of(visit, user.home);
        let locale = user.locale.unwrap_or(visit.locale);
        self.write(tx, &ctx, &user.email, "verify", locale, params).await?;
        Ok(NewEntry::during(visit, user.home, "identity.verification-resent").target(user.id))
    }

    /// A link to set a password by. Those sent before go on working: mails may arrive in another order.
    async fn send_reset(
        &self,
        tx: &mut Tx,
        visit: &Visit,
        user: &User,
        template: &'static str,
    ) -> Result<NewEntry, Error> {
        let link = NewLink::new(visit.now, self.config().reset_link_ttl_s);
        let mailed = Mailed { mailed: true };
        store::links::insert_with(tx, &link.hash(), Purpose::ResetPassword, user.id, &mailed, link.times)
            .await?;
        let mut params = self.reset_params(&link);
        params["address"] = json!(visit.address.map(|address| address.to_string()));
        let ctx = Self::ctx_of(visit, user.home);
        self.write_to(tx, &ctx, user, template, params).await?;
        Ok(NewEntry::during(visit, user.home, "identity.reset-requested").target(user.id))
    }
}

/// May its owner be written to at all?
fn reachable(account: &Account) -> bool {
    account.user.is_active && account.user.deleted_at.is_none() && account.user.kind == UserKind::Person
}
