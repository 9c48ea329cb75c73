use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use db::OnConstraint as _;
use kernel::{Ctx, Secret, Timestamp, UserId, WorkspaceId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::{Host, Url};
use webauthn_rs::prelude::{
    DiscoverableAuthentication, DiscoverableKey, PasskeyAuthentication, PasskeyRegistration,
    PublicKeyCredential, RegisterPublicKeyCredential, RequestChallengeResponse, Webauthn, WebauthnBuilder,
    WebauthnError,
};

use super::{
    BrowserSession, Identity, SignedIn,
    confirm::user_handle,
    login::{Opening, Proven},
    notices::Change,
    second_factor::{CHALLENGE_TTL, Shown, ShownPasskey, attempt},
    sessions::user,
    totp::new_codes,
};
use crate::{
    config::Config,
    error::Error,
    model::{Account, Hash, NewEntry, PasskeyId, SessionKind, StoredPasskey, Token, Visit, passkey_name},
    store::{self, challenges::Purpose, sessions::Proof},
};

/// WebAuthn for this server's name, or why not.
pub(super) struct Passkeys(Result<Webauthn, &'static str>);

/// A user has no more than this.
const PASSKEYS_MAX: usize = 20;

impl Passkeys {
    /// WebAuthn binds passkeys to a domain and needs https, except on this very machine.
    pub(super) fn new(config: &Config, public_url: &str) -> Self {
        Self(build(config, public_url))
    }

    pub(super) fn webauthn(&self) -> Result<&Webauthn, Error> {
        self.0.as_ref().map_err(|why| Error::PasskeysOff(why))
    }
}

fn build(config: &Config, public_url: &str) -> Result<Webauthn, &'static str> {
    let mut url = Url::parse(public_url).map_err(|_| "server.public_url is no address")?;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        // Browsers know this machine by name only.
        Some(Host::Ipv4(address)) if address.is_loopback() => url.set_host(Some("localhost")).is_ok(),
        Some(Host::Ipv6(address)) if address.is_loopback() => url.set_host(Some("localhost")).is_ok(),
        _ => return Err("server.public_url must name a domain, not an address"),
    };
    if url.scheme() != "https" && !is_here {
        return Err("server.public_url must begin with https://");
    }
    let domain = url.domain().ok_or("server.public_url must name a domain, not an address")?.to_owned();
    let refused = |_| "server.public_url is no address that WebAuthn takes";
    let mut builder = WebauthnBuilder::new(&domain, &url).map_err(refused)?;
    let others: Vec<_> = config.trusted_origins.iter().filter_map(|origin| Url::parse(origin).ok()).collect();
    for origin in &others {
        builder = builder.append_allowed_origin(origin);
    }
    let timeout = CHALLENGE_TTL.unsigned_abs();
    builder.timeout(timeout).build().map_err(refused)
}

/// A sign-in without a name: its state travels with the browser, sealed.
#[derive(Serialize, Deserialize)]
struct Nameless {
    state: DiscoverableAuthentication,
    expires_at: Timestamp,
}

const NAMELESS: &str = "passkey sign-in";

/// A new passkey; recovery codes come with the first factor of an account.
pub(crate) struct AddedPasskey {
    pub(crate) passkey: StoredPasskey,
    pub(crate) recovery_codes: Vec<Secret<String>>,
}

impl Identity {
    /// Do passkeys work for pages of this host? A browser never offers them on an address without a name.
    pub(crate) fn offers_passkeys(&self, host: Option<&str>) -> bool {
        let by_name = host.and_then(|host| Url::parse(host).ok()).is_none_or(|url| url.domain().is_some());
        by_name && self.0.passkeys.webauthn().is_ok()
    }

    pub(crate) async fn list_passkeys(&self, ctx: &Ctx) -> Result<Vec<StoredPasskey>, Error> {
        let mut tx = self.0.db.read().await?;
        Ok(store::passkeys::list(&mut tx, user(ctx)?).await?)
    }

    /// What a browser needs to make a passkey.
    pub(crate) async fn begin_passkey(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
    ) -> Result<serde_json::Value, Error> {
        self.require_recent(signed_in, ctx.now)?;
        let webauthn = self.0.passkeys.webauthn()?;
        let id = user(ctx)?;
        let known = self.list_passkeys(ctx).await?;
        if known.len() >= PASSKEYS_MAX {
            return Err(Error::TooManyPasskeys);
        }
        let known = known.iter().map(|stored| stored.passkey.cred_id().clone()).collect();
        let who = &signed_in.user;
        let name = match format!("{} {}", who.first_name, who.last_name).trim() {
            "" => who.email.clone(),
            name => name.to_owned(),
        };
        let (mut options, state) = webauthn
            .start_passkey_registration(user_handle(id), &who.email, &name, Some(known))
            .map_err(|_| Error::PasskeyRefused)?;
        options.public_key.rp.name = self.0.settings.get(&platform::installation::NAME);
        let mut options = serde_json::to_value(&options).map_err(|error| Error::Seal(error.to_string()))?;
        // So that it can sign in without a name being typed, where the authenticator has room for it.
        options["publicKey"]["authenticatorSelection"]["residentKey"] = json!("preferred");
        self.begin_of_session(ctx, signed_in, Purpose::AddPasskey, &state).await?;
        Ok(options)
    }

    pub(crate) async fn add_passkey(
        &self,
        ctx: &Ctx,
        visit: &Visit,
        signed_in: &SignedIn,
        name: &str,
        credential: &RegisterPublicKeyCredential,
    ) -> Result<AddedPasskey, Error> {
        self.require_own_session(signed_in)?;
        let webauthn = self.0.passkeys.webauthn()?;
        let name = named(name)?;
        let owner = user(ctx)?;
        let state = {
            let mut tx = self.0.db.begin().await?;
            let session = signed_in.session.id;
            let purpose = Purpose::AddPasskey;
            let begun = store::challenges::consume_of_session::<PasskeyRegistration>(
                &mut tx, session, purpose, ctx.now,
            )
            .await?;
            tx.commit().await?;
            begun.ok_or(CREDENTIAL_REFUSED)?.payload
        };
        let passkey = webauthn.finish_passkey_registration(credential, &state).map_err(|error| {
            tracing::info!(%error, user.id = %owner, "a new passkey was refused");
            CREDENTIAL_REFUSED
        })?;
        let id = PasskeyId::new(ctx.now);
        let mut tx = self.0.db.begin().await?;
        store::passkeys::insert(&mut tx, id, owner, &name, &passkey, ctx.now)
            .await
            .on_constraint("identity_passkeys_credential_id_key", || CREDENTIAL_REFUSED)?;
        let mut recovery_codes = Vec::new();
        if store::factors::count(&mut tx, owner).await?.recovery_codes == 0 {
            let (codes, hashes) = new_codes(owner);
            store::factors::replace_codes(&mut tx, owner, &hashes, ctx.now).await?;
            recovery_codes = codes;
        }
        self.tell_of(&mut tx, visit, owner, &Change::PasskeyAdded(name.clone())).await?;
        let entry = NewEntry::by(ctx, "identity.passkey-added").target(id).detail(json!({ "name": name }));
        self.write_down(&mut tx, entry).await?;
        let passkey =
            store::passkeys::find(&mut tx, owner, id).await?.ok_or(Error::PasskeyNotFound(id.to_string()))?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(AddedPasskey { passkey, recovery_codes })
    }

    pub(crate) async fn rename_passkey(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
        id: PasskeyId,
        name: &str,
    ) -> Result<StoredPasskey, Error> {
        self.require_own_session(signed_in)?;
        let (name, owner) = (named(name)?, user(ctx)?);
        let mut tx = self.0.db.begin().await?;
        if !store::passkeys::rename(&mut tx, owner, id, &name).await? {
            return Err(Error::PasskeyNotFound(id.to_string()));
        }
        let entry = NewEntry::by(ctx, "identity.passkey-renamed").target(id).detail(json!({ "name": name }));
        let passkey =
            store::passkeys::find(&mut tx, owner, id).await?.ok_or(Error::PasskeyNotFound(id.to_string()))?;
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(passkey)
    }

    pub(crate) async fn delete_passkey(
        &self,
        ctx: &Ctx,
        visit: &Visit,
        signed_in: &SignedIn,
        id: PasskeyId,
    ) -> Result<(), Error> {
        self.require_recent(signed_in, ctx.now)?;
        let owner = user(ctx)?;
        let mut tx = self.0.db.begin().await?;
        let passkey =
            store::passkeys::find(&mut tx, owner, id).await?.ok_or(Error::PasskeyNotFound(id.to_string()))?;
        self.keep_a_door(&mut tx, owner).await?;
        store::passkeys::delete(&mut tx, owner, id).await?;
        self.forget_spare_codes(&mut tx, owner, ctx.now).await?;
        self.tell_of(&mut tx, visit, owner, &Change::PasskeyRemoved(passkey.name.clone())).await?;
        let entry = NewEntry::by(ctx, "identity.passkey-removed").target(id);
        self.write_down(&mut tx, entry.detail(json!({ "name": passkey.name }))).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }

    /// What a browser needs to sign in by a passkey, and the challenge to send back with it. Nothing is kept here.
    pub(crate) fn begin_nameless(&self, visit: &Visit) -> Result<(String, RequestChallengeResponse), Error> {
        let webauthn = self.0.passkeys.webauthn()?;
        let (options, state) =
            webauthn.start_discoverable_authentication().map_err(|_| Error::PasskeyRefused)?;
        let state = Nameless { state, expires_at: visit.now + CHALLENGE_TTL };
        let text = serde_json::to_vec(&state).map_err(|error| Error::Seal(error.to_string()))?;
        let sealed = self.0.tokens.seal().close(NAMELESS, &text);
        let sealed = sealed.map_err(|error| Error::Seal(format!("{error:#}")))?;
        Ok((URL_SAFE_NO_PAD.encode(sealed), options))
    }

    /// Signs a browser in by a passkey alone: it proves the device and, by its unlocking, the user.
    pub(crate) async fn sign_in_nameless(
        &self,
        visit: &Visit,
        challenge: &str,
        credential: &PublicKeyCredential,
    ) -> Result<BrowserSession, Error> {
        let webauthn = self.0.passkeys.webauthn()?;
        let opened = URL_SAFE_NO_PAD.decode(challenge).ok();
        let opened = opened.and_then(|sealed| self.0.tokens.seal().open(NAMELESS, &sealed).ok());
        let begun = opened.and_then(|text| serde_json::from_slice::<Nameless>(text.expose()).ok());
        let Nameless { state, expires_at } =
            begun.filter(|begun| visit.now < begun.expires_at).ok_or(Error::ChallengeRefused)?;
        let (handle, credential_id) =
            webauthn.identify_discoverable_authentication(credential).map_err(|_| Error::PasskeyRefused)?;
        let claimed = UserId::from_uuid(handle);
        let (account, known) = {
            let mut tx = self.0.db.read().await?;
            let account = store::users::find_account_by_id(&mut tx, claimed).await?;
            (account, self.is_known_address(&mut tx, claimed, visit).await?)
        };
        // Unknown and disabled accounts take from no bucket of an account: a signature cannot be guessed.
        let account = account.filter(Account::may_sign_in).ok_or(Error::PasskeyRefused)?;
        let attempt = attempt(&account.user, visit, known);
        self.0.throttle.take(&attempt).await?;
        let stored = {
            let mut tx = self.0.db.read().await?;
            store::passkeys::find_by_credential(&mut tx, claimed, credential_id).await?
        };
        let stored = stored.ok_or(Error::PasskeyRefused)?;
        let key = DiscoverableKey::from(&stored.passkey);
        let result = webauthn.finish_discoverable_authentication_v2(credential, state, &key);
        let shown = match self.accept_passkey(visit, account.user.home, stored, result).await {
            Ok(shown) => shown,
            Err(error) => return Err(self.second_factor_failed(visit, &account.user, error, false).await?),
        };
        let hash = Hash::of(challenge.as_bytes());
        {
            let mut tx = self.0.db.begin().await?;
            let is_first = store::challenges::insert_used(
                &mut tx,
                &hash,
                Purpose::PasskeySignIn,
                Some(claimed),
                visit.now,
                expires_at,
            )
            .await?;
            tx.commit().await?;
            if !is_first {
                return Err(Error::ChallengeRefused);
            }
        }
        let cookie = Token::random(&mut rand::rng());
        let proof = Proof::Cookie(cookie.hash());
        let opening = Opening { kind: SessionKind::Browser, scopes: Vec::new(), proof, challenge: None };
        let proven = Proven {
            account,
            attempt: Some(attempt),
            rehashed: None,
            methods: Vec::new(),
            shown: Some(shown),
        };
        let (session, _) = self.open(visit, proven, opening).await?;
        Ok(BrowserSession { id: session.id, cookie })
    }

    /// Compares a signature with what was asked for; it is used up later, where the session begins.
    pub(super) async fn compare_passkey(
        &self,
        visit: &Visit,
        owner: UserId,
        home: WorkspaceId,
        credential: &PublicKeyCredential,
        state: &PasskeyAuthentication,
    ) -> Result<Shown, Error> {
        let webauthn = self.0.passkeys.webauthn()?;
        // An authenticator that names somebody else signed for somebody else.
        if let Ok((handle, _)) = webauthn.identify_discoverable_authentication(credential)
            && handle != user_handle(owner)
        {
            return Err(Error::PasskeyRefused);
        }
        let stored = {
            let mut tx = self.0.db.read().await?;
            store::passkeys::find_by_credential(&mut tx, owner, credential.raw_id.as_ref()).await?
        };
        let stored = stored.ok_or(Error::PasskeyRefused)?;
        let result = webauthn.finish_passkey_authentication(credential, state);
        self.accept_passkey(visit, home, stored, result).await
    }

    async fn accept_passkey(
        &self,
        visit: &Visit,
        home: WorkspaceId,
        stored: StoredPasskey,
        result: Result<webauthn_rs::prelude::AuthenticationResult, WebauthnError>,
    ) -> Result<Shown, Error> {
        match result {
            // The second factor of both: without it the device alone would sign in.
            Ok(result) if result.user_verified() => {
                let mut after = stored.passkey.clone();
                after.update_credential(&result);
                let is_shared = result.backup_eligible();
                Ok(Shown::Passkey(Box::new(ShownPasskey { before: stored, after, is_shared })))
            }
            Err(WebauthnError::CredentialPossibleCompromise) => {
                tracing::warn!(passkey.id = %stored.id, "a passkey counted backwards: it may have been copied");
                let entry = NewEntry::during(visit, home, "identity.passkey-cloned")
                    .actor(stored.user)
                    .target(stored.id)
                    .detail(json!({ "name": stored.name }));
                let mut tx = self.0.db.begin().await?;
                self.tell_of(&mut tx, visit, stored.user, &Change::PasskeyCloned(stored.name.clone()))
                    .await?;
                self.write_down(&mut tx, entry).await?;
                tx.commit().await?;
                Err(Error::PasskeyRefused)
            }
            other => {
                if let Err(error) = other {
                    tracing::info!(%error, passkey.id = %stored.id, "a passkey was refused");
                }
                Err(Error::PasskeyRefused)
            }
        }
    }

    /// An account keeps at least one way in, when one goes.
    pub(super) async fn keep_a_door(&self, tx: &mut db::Tx, owner: UserId) -> Result<(), Error> {
        let account = store::users::find_account_by_id(tx, owner).await?.ok_or(Error::UserNotFound(owner))?;
        let passkeys = store::factors::count(tx, owner).await?.passkeys;
        let providers = store::providers::list(tx, owner).await?.len() as u64;
        let doors = u64::from(account.password_hash.is_some()) + passkeys + providers;
        if doors > 1 { Ok(()) } else { Err(Error::LastDoor) }
    }
}

const CREDENTIAL_REFUSED: Error = Error::ProofRefused {
    pointer: "/credential",
    code: "identity.passkey-refused",
    reason: "the new passkey was not accepted: begin again",
};

fn named(name: &str) -> Result<String, Error> {
    let reason = || "must be one line of 1 to 100 characters".to_owned();
    passkey_name(name).ok_or_else(|| Error::Invalid { pointer: "/name", reason: reason() })
}
