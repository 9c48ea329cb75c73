use jiff::SignedDuration;
use kernel::{Allow, Ctx, Timestamp, UserId};
use serde_json::json;

use super::{Identity, LinkedProvider, SignedIn, notices::Change, sessions::user, users::member};
use crate::{
    error::Error,
    model::{Factors, NewEntry, Visit},
    permissions::WriteUsers,
    policy, store,
};

/// What protects the caller's account.
pub(crate) struct Security {
    pub(crate) password: bool,
    pub(crate) totp_since: Option<Timestamp>,
    pub(crate) factors: Factors,
    pub(crate) providers: Vec<LinkedProvider>,
    /// The policy asks for a second factor.
    pub(crate) required: bool,
    pub(crate) passkeys_work: bool,
    /// Until when what protects the account may be changed without showing again who one is.
    pub(crate) confirmed_until: Timestamp,
}

impl Identity {
    /// `host` is how the page that asks calls this server.
    pub(crate) async fn security(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
        host: Option<&str>,
    ) -> Result<Security, Error> {
        let id = user(ctx)?;
        let providers = self.list_linked_providers(ctx).await?;
        let mut tx = self.0.db.read().await?;
        let account = store::users::find_account_by_id(&mut tx, id).await?.ok_or(Error::UserNotFound(id))?;
        let totp = store::factors::find_totp(&mut tx, id).await?;
        let within = SignedDuration::from_secs(self.config().confirm_window_s.into());
        Ok(Security {
            password: account.password_hash.is_some(),
            totp_since: totp.filter(|totp| totp.secret.is_some()).and_then(|totp| totp.enabled_at),
            providers,
            factors: store::factors::count(&mut tx, id).await?,
            required: policy::asks_second_factor(&self.0.settings, &signed_in.memberships),
            passkeys_work: self.offers_passkeys(host),
            confirmed_until: signed_in.session.authenticated_at + within,
        })
    }

    /// For who lost all of theirs: nothing but the password is asked from now on, and every session is over.
    pub(crate) async fn reset_second_factor(
        &self,
        allow: &Allow<WriteUsers>,
        visit: &Visit,
        id: UserId,
    ) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        let member = member(&mut tx, allow, id).await?;
        self.manageable(&mut tx, allow, &member).await?;
        if member.user.home != allow.workspace {
            return Err(Error::NotHome);
        }
        let before = store::factors::count(&mut tx, id).await?;
        store::factors::delete_totp(&mut tx, id).await?;
        store::factors::delete_codes(&mut tx, id).await?;
        let passkeys = store::passkeys::delete_all(&mut tx, id).await?;
        store::challenges::revoke_all(&mut tx, id, allow.now).await?;
        let ended = store::sessions::end_all(&mut tx, id, None, "second factor reset", allow.now).await?;
        self.tell_owner(&mut tx, visit, &member.user, &Change::SecondFactorReset).await?;
        let entry = NewEntry::by(allow, "identity.second-factor-reset").target(id).detail(json!({
            "totp": before.totp, "passkeys": passkeys, "recovery_codes": before.recovery_codes, "sessions_ended": ended,
        }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }
}
