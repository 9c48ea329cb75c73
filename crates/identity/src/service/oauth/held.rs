//! What holders of tokens do with them: give them up, ask what they are worth, who they are for, and log out.

use kernel::{Ctx, SessionId, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::exchange::user_claims;
use crate::{
    error::Error,
    model::{
        NewEntry, SessionKind, Visit,
        oauth::{Client, OAuthError, scopes, with_parameters},
    },
    service::{Identity, SignedIn},
    store,
};

/// Why a token is no good for asking who its user is (RFC 6750 §3.1).
pub(crate) enum Unfit {
    Invalid,
    /// It was not given for `openid`.
    Scope,
    Failed(Error),
}

/// What an application asks for that logs its user out (OpenID Connect RP-Initiated Logout 1.0 §2).
#[derive(Default)]
pub(crate) struct LogoutQuery {
    pub(crate) id_token_hint: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) state: Option<String>,
}

pub(crate) enum LogoutStep {
    /// Nobody may be sent anywhere.
    Refused(&'static str),
    /// The user must say so themselves: anybody can send a browser here.
    Ask { redirect: Option<String> },
    /// It is their own application that asks.
    Done { redirect: Option<String> },
}

/// Of an ID token, what a log-out needs; it may have expired.
#[derive(Deserialize)]
struct Hint {
    iss: String,
    sub: String,
    aud: String,
    sid: SessionId,
}

impl Identity {
    /// RFC 7009: ends what the token belongs to, if the client holds it. Tells nobody whether there was anything.
    pub(crate) async fn revoke_token(
        &self,
        visit: &Visit,
        client_id: &str,
        token: &str,
    ) -> Result<(), Error> {
        let session = match self.0.tokens.read_refresh(token) {
            Some((session, _)) => Some(session),
            None => self.read_access(token, visit.now).await.ok().map(|claims| claims.sid),
        };
        let Some(session) = session else { return Ok(()) };
        let mut tx = self.0.db.begin().await?;
        let Some(session) = store::sessions::find(&mut tx, session).await? else { return Ok(()) };
        if session.client.as_deref() != Some(client_id) {
            return Ok(());
        }
        if store::sessions::end(&mut tx, session.user, session.id, "revoked by its client", visit.now).await?
        {
            let entry = NewEntry::during(visit, session.workspace, "identity.token-revoked")
                .actor(session.user)
                .target(session.id)
                .detail(json!({ "client": client_id }));
            self.write_down(&mut tx, entry).await?;
            tx.commit().await?;
            self.0.live.changed();
        }
        Ok(())
    }

    /// RFC 7662: what a token of the client's own is worth. Others' are as if they were not there.
    pub(crate) async fn introspect(
        &self,
        visit: &Visit,
        client_id: &str,
        token: &str,
    ) -> Result<Value, Error> {
        let inactive = json!({ "active": false });
        if let Some((id, shown)) = self.0.tokens.read_refresh(token) {
            let mut tx = self.0.db.begin().await?;
            let held = store::sessions::lock_refreshing(&mut tx, id).await?;
            let held = held.filter(|held| {
                let session = &held.session;
                session.client.as_deref() == Some(client_id)
                    && session.is_live(visit.now)
                    && held.refresh.current == shown.hash()
            });
            drop(tx);
            let Some(held) = held else { return Ok(inactive) };
            let Ok(signed_in) = self.by_session(id, visit.now).await else { return Ok(inactive) };
            return Ok(json!({
                "active": true,
                "client_id": client_id,
                "sub": signed_in.user.id,
                "username": signed_in.user.email,
                "scope": held.session.scopes.join(" "),
                "iss": self.0.tokens.issuer(),
                "iat": held.session.created_at.as_second(),
                "exp": held.session.expires_at.as_second(),
            }));
        }
        let Ok(claims) = self.read_access(token, visit.now).await else { return Ok(inactive) };
        if claims.client() != client_id {
            return Ok(inactive);
        }
        let Ok(signed_in) = self.by_session(claims.sid, visit.now).await else { return Ok(inactive) };
        if signed_in.user.id != claims.user() || signed_in.membership(claims.ws).is_none() {
            return Ok(inactive);
        }
        let mut told = claims.told();
        told["active"] = json!(true);
        told["token_type"] = json!("Bearer");
        told["username"] = json!(signed_in.user.email);
        Ok(told)
    }

    /// OpenID Connect Core §5.3: who the token's user is, as far as its scopes let the client know.
    pub(crate) async fn user_info(&self, visit: &Visit, token: &str) -> Result<Value, Unfit> {
        let claims = self.read_access(token, visit.now).await.map_err(Unfit::of)?;
        let held: Vec<_> = claims.scopes().map(str::to_owned).collect();
        let (_, signed_in) = self.by_access_token(token, visit).await.map_err(Unfit::of)?;
        if signed_in.session.kind != SessionKind::Client || !held.iter().any(|scope| scope == scopes::OPENID)
        {
            return Err(Unfit::Scope);
        }
        Ok(user_claims(&signed_in.user, &held))
    }

    /// Who asks that the browser's user be logged out, and may the browser be sent back?
    pub(crate) async fn logout_step(
        &self,
        visit: &Visit,
        query: &LogoutQuery,
        signed_in: Option<(&Ctx, &SignedIn)>,
    ) -> Result<LogoutStep, Error> {
        let hint = match &query.id_token_hint {
            None => None,
            Some(token) => match self.read_hint(token, visit.now).await? {
                Some(hint) => Some(hint),
                None => return Ok(LogoutStep::Refused("id_token_hint is no token of ours")),
            },
        };
        if let (Some(hint), Some(client)) = (&hint, &query.client_id)
            && hint.aud != *client
        {
            return Ok(LogoutStep::Refused("client_id is not the one of id_token_hint"));
        }
        let client = hint.as_ref().map(|hint| hint.aud.clone()).or_else(|| query.client_id.clone());
        let redirect = match &query.redirect_uri {
            None => None,
            Some(uri) => {
                let client = match client {
                    Some(id) => self.find_client(&id).await?,
                    None => None,
                };
                if !client.is_some_and(|client| client.logout_uris.contains(uri)) {
                    return Ok(LogoutStep::Refused(
                        "post_logout_redirect_uri is not one that the client registered",
                    ));
                }
                let state = query.state.as_deref().map(|state| ("state", state));
                Some(with_parameters(uri, state.as_slice()))
            }
        };
        let Some((ctx, signed_in)) = signed_in else { return Ok(LogoutStep::Done { redirect }) };
        let Some(hint) = hint.filter(|hint| hint.sub == signed_in.user.id.to_string()) else {
            return Ok(LogoutStep::Ask { redirect });
        };
        let mut tx = self.0.db.begin().await?;
        store::sessions::end(&mut tx, signed_in.user.id, hint.sid, "logged out", ctx.now).await?;
        tx.commit().await?;
        self.sign_out(ctx, signed_in.session.id).await?;
        Ok(LogoutStep::Done { redirect })
    }

    async fn read_hint(&self, token: &str, now: Timestamp) -> Result<Option<Hint>, Error> {
        const BYTES_MAX: usize = 8_192;
        let Some(header) = token.split('.').next().filter(|_| token.len() <= BYTES_MAX) else {
            return Ok(None);
        };
        let Some(key) = self.key_of_id_header(header, now).await? else { return Ok(None) };
        let mut validation = jsonwebtoken::Validation::new(key.algorithm.into());
        validation.validate_exp = false;
        validation.validate_aud = false;
        let hint =
            jsonwebtoken::decode::<Hint>(token, &key.decoding, &validation).ok().map(|token| token.claims);
        Ok(hint.filter(|hint| hint.iss == self.0.tokens.issuer()))
    }

    pub(super) async fn find_client(&self, id: &str) -> Result<Option<Client>, Error> {
        let mut tx = self.0.db.read().await?;
        let client = store::oauth::clients::find(&mut tx, id).await?;
        Ok(client.filter(|client| client.is_active))
    }
}

impl Unfit {
    fn of(error: Error) -> Self {
        match error {
            Error::TokenRefused | Error::SessionEnded => Self::Invalid,
            other => Self::Failed(other),
        }
    }
}

impl From<Error> for Unfit {
    fn from(error: Error) -> Self {
        Self::of(error)
    }
}

impl OAuthError {
    /// For a door that only who can keep a secret may use.
    pub(crate) fn needs_secret() -> Self {
        Self::invalid_client("only a client with a secret may ask this")
    }
}
