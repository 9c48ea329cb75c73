use jiff::SignedDuration;
use kernel::SessionId;
use serde_json::json;

use super::{Identity, TokenPair, login::choose};
use crate::{
    error::Error,
    model::{NewEntry, Presented, Session, Token, Visit},
    store::{self, sessions::Refreshing},
};

impl Identity {
    /// A new pair for a refresh token. The token is replaced; shown again by the same client within the grace time it
    /// leads to the same successor, shown later or by another it ends the session, since two parties hold it then.
    pub(crate) async fn refresh(&self, visit: &Visit, text: &str) -> Result<TokenPair, Error> {
        let read = self.0.tokens.read_refresh(text);
        let family = read.as_ref().map(|(id, _)| id.to_string());
        self.0.doors.refresh(family.as_deref(), visit.address).await?;
        let (id, token) = read.ok_or(Error::RefreshRefused)?;
        let grace = SignedDuration::from_millis(self.config().refresh_grace_ms.into());
        let mut tx = self.0.db.begin().await?;
        let Refreshing { mut session, refresh } =
            store::sessions::lock_refreshing(&mut tx, id).await?.ok_or(Error::RefreshRefused)?;
        if !session.is_live(visit.now) {
            return Err(Error::RefreshRefused);
        }
        let account = store::users::find_account_by_id(&mut tx, session.user).await?;
        if !account.is_some_and(|account| account.may_sign_in()) {
            return Err(Error::RefreshRefused);
        }
        let memberships = self.memberships(&mut tx, session.user).await?;
        let membership = choose(memberships, session.workspace).ok_or(Error::NoWorkspace)?;
        let next = match refresh.present(&token, visit.now, grace) {
            Presented::Current => {
                let next = Token::random(&mut rand::rng());
                session.workspace = membership.workspace.id;
                session.device = visit.device.clone();
                session.address = visit.address.map(|address| address.to_string());
                session.last_seen_at = visit.now;
                session.expires_at = self.0.times.expiry(session.created_at, visit.now);
                let refresh = refresh.rotate(&token, &next, visit.now, grace);
                store::sessions::save_refresh(&mut tx, &session, &refresh).await?;
                tx.commit().await?;
                next
            }
            Presented::JustReplaced(current) if is_same_client(&session, visit) => {
                drop(tx);
                current
            }
            Presented::JustReplaced(_) | Presented::Reused => {
                store::sessions::end(&mut tx, session.user, session.id, "refresh-reused", visit.now).await?;
                let entry = NewEntry::during(visit, membership.workspace.id, "identity.refresh-reused")
                    .actor(session.user)
                    .target(session.id)
                    .detail(json!({ "device": visit.device }));
                self.write_down(&mut tx, entry).await?;
                tx.commit().await?;
                self.0.live.changed();
                tracing::warn!(session.id = %session.id, "a replaced refresh token was shown again: session ended");
                return Err(Error::RefreshRefused);
            }
        };
        self.pair(&session, &membership, &next, visit.now).await
    }

    /// A new pair for a session whose access token was shown, now that its workspace is another.
    pub(super) async fn reissue(&self, visit: &Visit, id: SessionId) -> Result<TokenPair, Error> {
        let mut tx = self.0.db.begin().await?;
        let Refreshing { mut session, refresh } =
            store::sessions::lock_refreshing(&mut tx, id).await?.ok_or(Error::SessionEnded)?;
        let memberships = self.memberships(&mut tx, session.user).await?;
        let membership = choose(memberships, session.workspace).ok_or(Error::NoWorkspace)?;
        let next = Token::random(&mut rand::rng());
        session.last_seen_at = visit.now;
        let refresh = refresh.replace(&next);
        store::sessions::save_refresh(&mut tx, &session, &refresh).await?;
        tx.commit().await?;
        self.pair(&session, &membership, &next, visit.now).await
    }
}

fn is_same_client(session: &Session, visit: &Visit) -> bool {
    session.device == visit.device && session.address == visit.address.map(|address| address.to_string())
}
