//! A software authenticator and the browser around it, by other hands (1Password's `passkey` crates).

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use passkey_authenticator::{
    Authenticator, CredentialStore, DiscoverabilitySupport, StoreInfo, UiHint, UserCheck,
    UserValidationMethod,
};
use passkey_client::{Client, DefaultClientData};
use passkey_crypto::AvailableBackend;
use passkey_types::{
    Passkey,
    ctap2::{
        Aaguid, Ctap2Error, StatusCode,
        make_credential::{Options, PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity},
    },
    webauthn::PublicKeyCredentialDescriptor,
};
use serde_json::{Value, json};
use testkit::App;
use url::Url;

/// Where the keys lie; a copy of it is a second device with the same keys.
#[derive(Clone, Default)]
struct Keys(Arc<Mutex<Vec<Passkey>>>);

#[async_trait]
impl CredentialStore for Keys {
    type PasskeyItem = Passkey;

    async fn find_credentials(
        &self,
        ids: Option<&[PublicKeyCredentialDescriptor]>,
        rp_id: &str,
        _user_handle: Option<&[u8]>,
    ) -> Result<Vec<Passkey>, StatusCode> {
        let keys = self.0.lock().unwrap();
        let asked = |key: &Passkey| ids.is_none_or(|ids| ids.iter().any(|id| id.id == key.credential_id));
        let found: Vec<_> = keys.iter().filter(|key| key.rp_id == rp_id && asked(key)).cloned().collect();
        if found.is_empty() { Err(Ctap2Error::NoCredentials.into()) } else { Ok(found) }
    }

    async fn save_credential(
        &mut self,
        key: Passkey,
        _user: PublicKeyCredentialUserEntity,
        _rp: PublicKeyCredentialRpEntity,
        _options: Options,
    ) -> Result<(), StatusCode> {
        self.0.lock().unwrap().push(key);
        Ok(())
    }

    async fn update_credential(&mut self, key: &Passkey) -> Result<(), StatusCode> {
        let mut keys = self.0.lock().unwrap();
        keys.retain(|kept| kept.credential_id != key.credential_id);
        keys.push(key.clone());
        Ok(())
    }

    async fn get_info(&self) -> StoreInfo {
        StoreInfo { discoverability: DiscoverabilitySupport::ForcedDiscoverable }
    }
}

/// Somebody who always says yes, and shows a finger when asked to.
struct Yes;

#[async_trait]
impl UserValidationMethod for Yes {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        _hint: UiHint<'a, Passkey>,
        presence: bool,
        verification: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck { presence, verification })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

/// A device with passkeys.
pub(crate) struct Device {
    keys: Keys,
    origin: Url,
    counts: bool,
}

impl Device {
    /// Whose browser shows the server's own pages.
    pub(crate) fn new(app: &App) -> Self {
        Self::at(&app.base.replace("127.0.0.1", "localhost"))
    }

    /// Whose browser shows the pages of this origin.
    pub(crate) fn at(origin: &str) -> Self {
        Self { keys: Keys::default(), origin: Url::parse(origin).unwrap(), counts: false }
    }

    /// Whose keys count how often they signed.
    pub(crate) fn counting(app: &App) -> Self {
        Self { counts: true, ..Self::new(app) }
    }

    /// The same keys on a device of its own.
    pub(crate) fn cloned(&self) -> Self {
        let keys = self.keys.0.lock().unwrap().clone();
        Self { keys: Keys(Arc::new(Mutex::new(keys))), origin: self.origin.clone(), counts: self.counts }
    }

    /// The same keys, used on another origin.
    pub(crate) fn moved(&self, origin: &str) -> Self {
        Self { keys: self.keys.clone(), origin: Url::parse(origin).unwrap(), counts: self.counts }
    }

    fn authenticator(&self) -> Authenticator<Keys, Yes, AvailableBackend> {
        let mut authenticator =
            Authenticator::new(Aaguid::new_empty(), self.keys.clone(), Yes, AvailableBackend);
        authenticator.set_make_credentials_with_signature_counter(self.counts);
        authenticator
    }

    /// `navigator.credentials.create()`.
    pub(crate) async fn create(&self, options: &Value) -> Value {
        let options = serde_json::from_value(options.clone()).expect("creation options that a browser takes");
        let mut browser = Client::new(self.authenticator()).allows_insecure_localhost(true);
        let made = browser.register(&self.origin, options, DefaultClientData).await;
        serde_json::to_value(made.expect("a new passkey")).unwrap()
    }

    /// `navigator.credentials.get()`.
    pub(crate) async fn get(&self, options: &Value) -> Value {
        let options = json!({"publicKey": options["publicKey"]});
        let options = serde_json::from_value(options).expect("request options that a browser takes");
        let mut browser = Client::new(self.authenticator()).allows_insecure_localhost(true);
        let signed = browser.authenticate(&self.origin, options, DefaultClientData).await;
        serde_json::to_value(signed.expect("a signature")).unwrap()
    }
}
