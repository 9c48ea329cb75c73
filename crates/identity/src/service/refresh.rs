use jiff::SignedDuration;
use kernel::SessionId;
use serde_json::json;

use super::{Identity, TokenPair, login::choose};
use crate::{
    error::Error,
    model::{Membership, NewEntry, Presented, Session, Token, User, Visit},
    store::{self, sessions::Refreshing},
};

/// A session whose refresh token was replaced.
pub(super) struct Rotated {
    pub(super) session: Session,
    pub(super) membership: Membership,
    pub(super) next: Token,
    pub(super) user: User,
}

impl Identity {
    /// A new pair for a refresh token of a session of the user's own.
    pub(crate) async fn refresh(&self, visit: &Visit, text: &str) -> Result<TokenPair, Error> {
        let Rotated { session, membership, next, .. } = self.rotate(visit, text, None).await?;
        self.pair(&session, &membership, &next, visit.now).await
    }

    /// The token is replaced; shown again by the same client within the grace time it leads to the same successor, shown
    /// later or by another it ends the session, since two parties hold it then. `client` is the one that holds it, and the
    /// scopes that it wants.
    pub(super) async fn rotate(
        &self,
        visit: &Visit,
        text: &str,
        client: Option<(&str, &[String])>,
    ) -> Result<Rotated, Error> {
        let read = self.0.tokens.read_refresh(text);
        let family = read.as_ref().map(|(id, _)| id.to_string());
        self.0.doors.refresh(family.as_deref(), visit.address).await?;
        let (id, token) = read.ok_or(Error::RefreshRefused)?;
        let grace = SignedDuration::from_millis(self.config().refresh_grace_ms.into());
        let mut tx = self.0.db.begin().await?;
        let Refreshing { mut session, refresh } =
            store::sessions::lock_refreshing(&mut tx, id).await?.ok_or(Error::RefreshRefused)?;
        if !session.is_live(visit.now) || session.client.as_deref() != client.map(|(id, _)| id) {
            return Err(Error::RefreshRefused);
        }
        let asked = client.map_or(&[][..], |(_, asked)| asked);
        if asked.iter().any(|scope| !session.scopes.contains(scope)) {
            let reason = "goes beyond what was granted".to_owned();
            return Err(Error::Invalid { pointer: "/scope", reason });
        }
        let account = store::users::find_account_by_id(&mut tx, session.user).await?;
        let account = account.filter(|account| account.may_sign_in()).ok_or(Error::RefreshRefused)?;
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
        Ok(Rotated { session, membership, next, user: account.user })
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
