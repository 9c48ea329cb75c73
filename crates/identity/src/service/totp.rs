use jiff::SignedDuration;
use kernel::{Ctx, Secret, Timestamp, UserId};
use qrcode::{EcLevel, QrCode, render::svg};
use serde_json::json;

use super::{Identity, SignedIn, notices::Change, second_factor::attempt, sessions::user};
use crate::{
    error::Error,
    model::{NewEntry, RECOVERY_CODES, RecoveryCode, TotpSecret, Visit, methods},
    store,
};

/// What an authenticator app needs; shown once.
pub(crate) struct TotpSetup {
    pub(crate) secret: Secret<String>,
    pub(crate) uri: Secret<String>,
    pub(crate) qr_svg: Secret<String>,
}

/// How long an app that is being set up waits for its first code.
const PENDING_TTL: SignedDuration = SignedDuration::from_mins(30);

impl Identity {
    /// Begins to set up an authenticator app: it counts when a code of it was shown. One from before goes on until then.
    pub(crate) async fn begin_totp(&self, ctx: &Ctx, signed_in: &SignedIn) -> Result<TotpSetup, Error> {
        self.require_recent(signed_in, ctx.now)?;
        let id = user(ctx)?;
        let secret = TotpSecret::random(&mut rand::rng());
        let issuer = self.0.settings.get(&platform::installation::NAME);
        let uri = secret.uri(&issuer, &signed_in.user.email);
        let uri = uri.ok_or_else(|| Error::Seal("an otpauth URI could not be written".to_owned()))?;
        let qr_svg = qr_svg(&uri)?;
        let sealed = self.close_totp(id, &secret)?;
        let mut tx = self.0.db.begin().await?;
        store::factors::save_pending(&mut tx, id, &sealed, ctx.now).await?;
        self.write_down(&mut tx, NewEntry::by(ctx, "identity.totp-begun").target(id)).await?;
        tx.commit().await?;
        Ok(TotpSetup {
            secret: Secret::new(secret.base32()),
            uri: Secret::new(uri),
            qr_svg: Secret::new(qr_svg),
        })
    }

    /// The app shows its first code and counts from now on; the recovery codes with it are new.
    pub(crate) async fn confirm_totp(
        &self,
        ctx: &Ctx,
        visit: &Visit,
        signed_in: &SignedIn,
        code: &Secret<String>,
    ) -> Result<Vec<Secret<String>>, Error> {
        self.require_own_session(signed_in)?;
        let id = user(ctx)?;
        let row = {
            let mut tx = self.0.db.read().await?;
            store::factors::find_totp(&mut tx, id).await?
        };
        let (pending, since) =
            row.and_then(|row| Some((row.pending?, row.pending_at?))).ok_or(Error::NothingPending)?;
        if ctx.now > since + PENDING_TTL {
            return Err(Error::NothingPending);
        }
        let attempt = attempt(&signed_in.user, visit, true);
        self.0.throttle.take(&attempt).await?;
        let step = self.open_totp(id, &pending)?.step_of(code.expose(), ctx.now).ok_or(CODE_REFUSED)?;
        self.0.throttle.give_back(&attempt).await;

        let (codes, hashes) = new_codes(id);
        let mut tx = self.0.db.begin().await?;
        if !store::factors::enable(&mut tx, id, &pending, step, ctx.now).await? {
            return Err(Error::NothingPending);
        }
        store::factors::replace_codes(&mut tx, id, &hashes, ctx.now).await?;
        let shown = methods::joined(&signed_in.session.methods, &[methods::ONE_TIME_CODE, methods::SEVERAL]);
        store::sessions::save_authentication(&mut tx, signed_in.session.id, &shown, ctx.now).await?;
        self.tell_of(&mut tx, visit, id, &Change::TotpEnabled).await?;
        self.write_down(&mut tx, NewEntry::by(ctx, "identity.totp-enabled").target(id)).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(codes)
    }

    pub(crate) async fn disable_totp(
        &self,
        ctx: &Ctx,
        visit: &Visit,
        signed_in: &SignedIn,
    ) -> Result<(), Error> {
        self.require_recent(signed_in, ctx.now)?;
        let id = user(ctx)?;
        let mut tx = self.0.db.begin().await?;
        if !store::factors::delete_totp(&mut tx, id).await? {
            return Err(Error::NoTotp);
        }
        self.forget_spare_codes(&mut tx, id, ctx.now).await?;
        self.tell_of(&mut tx, visit, id, &Change::TotpDisabled).await?;
        self.write_down(&mut tx, NewEntry::by(ctx, "identity.totp-disabled").target(id)).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }

    /// New recovery codes; those from before do not count any more.
    pub(crate) async fn make_recovery_codes(
        &self,
        ctx: &Ctx,
        visit: &Visit,
        signed_in: &SignedIn,
    ) -> Result<Vec<Secret<String>>, Error> {
        self.require_recent(signed_in, ctx.now)?;
        let id = user(ctx)?;
        let (codes, hashes) = new_codes(id);
        let mut tx = self.0.db.begin().await?;
        if !store::factors::count(&mut tx, id).await?.any() {
            return Err(Error::NoFactor);
        }
        store::factors::replace_codes(&mut tx, id, &hashes, ctx.now).await?;
        self.tell_of(&mut tx, visit, id, &Change::RecoveryCodesMade).await?;
        let entry = NewEntry::by(ctx, "identity.recovery-codes-made").target(id);
        self.write_down(&mut tx, entry.detail(json!({ "codes": codes.len() }))).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Without a factor left, recovery codes stand in for nothing, and no sign-in waits for one.
    pub(super) async fn forget_spare_codes(
        &self,
        tx: &mut db::Tx,
        user: UserId,
        now: Timestamp,
    ) -> Result<(), Error> {
        store::challenges::revoke_all(tx, user, now).await?;
        if !store::factors::count(tx, user).await?.any() {
            store::factors::delete_codes(tx, user).await?;
        }
        Ok(())
    }
}

/// Where a signed-in user types it: the session goes on.
pub(super) const CODE_REFUSED: Error = Error::ProofRefused {
    pointer: "/code",
    code: "identity.wrong-code",
    reason: "the code is wrong, was used already, or is too old",
};

pub(super) fn new_codes(user: UserId) -> (Vec<Secret<String>>, Vec<crate::model::Hash>) {
    let codes: Vec<_> = (0..RECOVERY_CODES).map(|_| RecoveryCode::random(&mut rand::rng())).collect();
    let hashes = codes.iter().map(|code| code.hash(user)).collect();
    (codes.iter().map(|code| Secret::new(code.text())).collect(), hashes)
}

/// The URI as a square to point a camera at, black on white whatever the page's colours.
fn qr_svg(uri: &str) -> Result<String, Error> {
    let code = QrCode::with_error_correction_level(uri, EcLevel::M)
        .map_err(|error| Error::Seal(format!("a QR code could not be drawn: {error}")))?;
    let svg = code.render::<svg::Color<'_>>().min_dimensions(240, 240).quiet_zone(true).build();
    // Inside a page there is no XML declaration.
    Ok(svg.find("<svg").map_or(svg.clone(), |start| svg[start..].to_owned()))
}
