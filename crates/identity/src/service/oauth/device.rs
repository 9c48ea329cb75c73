//! Sign-in on a device without a browser of its own (RFC 8628).

use jiff::SignedDuration;
use kernel::Ctx;
use serde_json::json;

use super::{
    authorize::{Question, require_whole},
    exchange::{ClientTokens, Given},
};
use crate::{
    error::Error,
    model::{
        NewEntry, Token, Visit,
        oauth::{
            Asked, Client, Device, DeviceState, OAuthError, bounded_scopes, grants, random_user_code,
            typed_user_code,
        },
    },
    service::{Identity, SignedIn},
    store::{
        self,
        oauth::requests::{self, Answer},
    },
};

/// What a device shows its user, and asks with.
pub(crate) struct DeviceCodes {
    pub(crate) device_code: String,
    pub(crate) user_code: String,
    pub(crate) expires_in_s: i64,
    pub(crate) interval_s: i64,
}

const TTL: SignedDuration = SignedDuration::from_mins(10);
/// A device that asks more often is told to slow down by as much again.
const INTERVAL_S: i64 = 5;
/// User codes tried until one is free.
const TRIES: usize = 10;

impl Identity {
    pub(crate) async fn ask_for_device(
        &self,
        visit: &Visit,
        client: &Client,
        asked: &[String],
        resources: &[String],
    ) -> Result<DeviceCodes, OAuthError> {
        if !client.may(grants::DEVICE) {
            return Err(OAuthError::unauthorized_client("the client did not register for device codes"));
        }
        self.0.oauth_limits.take_device(visit.address).await?;
        let scopes = bounded_scopes(&client.scopes, asked)
            .ok_or_else(|| OAuthError::invalid_scope("the client may ask for none of these scopes"))?;
        let token = Token::random(&mut rand::rng());
        let mut device = Device {
            user_code: String::new(),
            client: client.id.clone(),
            asked: Asked {
                scopes,
                redirect_uri: String::new(),
                state: None,
                nonce: None,
                code_challenge: String::new(),
                resource: self.own_resource(resources)?,
            },
            interval_s: INTERVAL_S,
            polled_at: None,
            created_at: visit.now,
            expires_at: visit.now + TTL,
            state: DeviceState::Waiting,
            user: None,
            workspace: None,
            methods: Vec::new(),
            authenticated_at: None,
        };
        let mut tx = self.0.db.begin().await?;
        requests::delete_expired(&mut tx, visit.now - SignedDuration::from_hours(24)).await?;
        for _ in 0..TRIES {
            device.user_code = random_user_code(&mut rand::rng());
            if requests::insert_device(&mut tx, &token.hash(), &device).await? {
                tx.commit().await?;
                return Ok(DeviceCodes {
                    device_code: token.text(),
                    user_code: device.user_code,
                    expires_in_s: TTL.as_secs(),
                    interval_s: INTERVAL_S,
                });
            }
        }
        Err(Error::Busy.into())
    }

    /// RFC 8628 §3.4 and §3.5.
    pub(crate) async fn exchange_device_code(
        &self,
        visit: &Visit,
        client: &Client,
        code: &str,
    ) -> Result<ClientTokens, OAuthError> {
        let fault = |code, description: &str| OAuthError::Fault { code, description: description.to_owned() };
        let refused = || OAuthError::invalid_grant("the device code does not count");
        let hash = Token::parse(code).ok_or_else(refused)?.hash();
        let mut tx = self.0.db.begin().await?;
        let device = requests::lock_device(&mut tx, &hash).await?;
        let device = device.filter(|device| device.client == client.id).ok_or_else(refused)?;
        if device.state == DeviceState::Used {
            return Err(refused());
        }
        if device.state == DeviceState::Denied {
            return Err(fault("access_denied", "the user said no"));
        }
        if device.expires_at <= visit.now {
            return Err(fault("expired_token", "the code has expired: ask for another"));
        }
        if device.state == DeviceState::Waiting {
            let interval = SignedDuration::from_secs(device.interval_s);
            let too_soon = device.polled_at.is_some_and(|at| visit.now.duration_since(at) < interval);
            let interval_s = if too_soon { device.interval_s + INTERVAL_S } else { device.interval_s };
            requests::save_poll(&mut tx, &hash, interval_s, visit.now).await?;
            tx.commit().await?;
            return Err(if too_soon {
                fault("slow_down", &format!("ask every {interval_s} s"))
            } else {
                fault("authorization_pending", "the user has not answered yet")
            });
        }
        let (Some(user), Some(workspace), Some(authenticated_at)) =
            (device.user, device.workspace, device.authenticated_at)
        else {
            return Err(refused());
        };
        let given = Given { user, workspace, asked: device.asked, methods: device.methods, authenticated_at };
        let opened = self.open_for_client(&mut tx, visit, client, given).await?;
        requests::use_device(&mut tx, &hash).await?;
        self.note_client_sign_in(&mut tx, visit, client, &opened).await?;
        tx.commit().await?;
        self.client_tokens(client, opened, visit.now).await
    }

    /// What a device asks for that shows this code. Guesses are bounded per user and per address.
    pub(crate) async fn look_up_device(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
        typed: &str,
    ) -> Result<Question, Error> {
        let (device, client) = self.device(ctx, signed_in, typed).await?;
        Ok(Question {
            client,
            scopes: device.asked.scopes,
            redirect_uri: String::new(),
            expires_at: device.expires_at,
            // Each time anew: whose device it is, only the user can tell.
            already_granted: false,
        })
    }

    async fn device(&self, ctx: &Ctx, signed_in: &SignedIn, typed: &str) -> Result<(Device, Client), Error> {
        let limits = &self.0.oauth_limits;
        let user = signed_in.user.id.to_string();
        limits.take_user_code(&user, ctx.address).await?;
        let user_code = typed_user_code(typed).ok_or(Error::UserCodeUnknown)?;
        let mut tx = self.0.db.read().await?;
        let device =
            requests::find_device(&mut tx, &user_code, ctx.now).await?.ok_or(Error::UserCodeUnknown)?;
        let client = store::oauth::clients::find(&mut tx, &device.client).await?;
        let client = client.filter(|client| client.is_active).ok_or(Error::UserCodeUnknown)?;
        drop(tx);
        limits.give_back_user_code(&user, ctx.address).await;
        Ok((device, client))
    }

    /// The user lets the device in.
    pub(crate) async fn approve_device(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
        typed: &str,
    ) -> Result<(), Error> {
        require_whole(signed_in)?;
        let (device, client) = self.device(ctx, signed_in, typed).await?;
        self.answer_device(ctx, signed_in, &device, DeviceState::Approved).await?;
        self.remember_consent(ctx, signed_in, &client, &device.asked.scopes).await
    }

    pub(crate) async fn deny_device(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
        typed: &str,
    ) -> Result<(), Error> {
        let (device, _) = self.device(ctx, signed_in, typed).await?;
        self.answer_device(ctx, signed_in, &device, DeviceState::Denied).await
    }

    async fn answer_device(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
        device: &Device,
        state: DeviceState,
    ) -> Result<(), Error> {
        let answer = Answer {
            state,
            user: signed_in.user.id,
            workspace: ctx.workspace,
            methods: &signed_in.session.methods,
            authenticated_at: signed_in.session.authenticated_at,
        };
        let mut tx = self.0.db.begin().await?;
        if !requests::answer_device(&mut tx, &device.user_code, answer, ctx.now).await? {
            return Err(Error::UserCodeUnknown);
        }
        let entry = NewEntry::by(ctx, "identity.device-answered")
            .target(&device.client)
            .detail(json!({ "answer": state.name(), "scopes": device.asked.scopes }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(())
    }
}
