//! Key pairs that sign tokens, shared by all nodes through the database.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow};
use jiff::SignedDuration;
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header,
    jwk::{Jwk, PublicKeyUse, ThumbprintHash},
};
use kernel::{Allow, Timestamp};
use redislink::Notice;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::Identity;
use crate::{
    error::Error,
    model::{KeyAlgorithm, KeyState, NewEntry, SigningKey, next_due, signer, state},
    permissions::{ReadSigningKeys, WriteSigningKeys},
    store,
};

/// What this process knows of the keys.
pub(super) struct Keyring {
    ring: RwLock<Arc<Ring>>,
    /// Held while keys are read or made.
    reading: tokio::sync::Mutex<()>,
    /// When a token with a key that nobody knows last made us look.
    looked: RwLock<Option<Instant>>,
}

#[derive(Default)]
struct Ring {
    /// Without private parts, for the rules.
    keys: Vec<SigningKey>,
    held: Vec<Arc<HeldKey>>,
    /// `None`: never, or something changed since.
    read_at: Option<Timestamp>,
}

/// A key pair, ready for use.
pub(super) struct HeldKey {
    pub(super) id: String,
    pub(super) algorithm: KeyAlgorithm,
    encoding: EncodingKey,
    pub(super) decoding: DecodingKey,
    /// The header of the access tokens that it signs, encoded: the only one that counts.
    access_header: String,
    /// Likewise of its ID tokens.
    id_header: String,
}

/// Where processes tell each other that keys changed; there is nothing in the message.
const CHANGED: &str = "identity.keys-changed";
/// A token that names an unknown key makes this process look into the database, no more often than this.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long readers may keep the key set; a key that is made by hand signs after this.
pub(crate) const KEY_SET_AGE_S: u32 = 300;
/// How long before its use a key of the schedule is published.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);
/// Bits of an RSA key (NIST SP 800-57 part 1, table 2: 112 bits of strength).
const RSA_BITS: usize = 2_048;
/// Beyond the life of the tokens, for clocks that differ.
const SLACK: SignedDuration = SignedDuration::from_secs(60);

/// `typ` of access tokens (RFC 9068 §2.1) and of ID tokens.
pub(super) const ACCESS: &str = "at+jwt";
pub(super) const ID: &str = "JWT";

impl Keyring {
    pub(super) fn new() -> Self {
        Self { ring: RwLock::default(), reading: tokio::sync::Mutex::default(), looked: RwLock::default() }
    }

    fn ring(&self) -> Arc<Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, ring: Ring) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
    }

    fn forget(&self) {
        let ring = self.ring();
        self.set(Ring { keys: ring.keys.clone(), held: ring.held.clone(), read_at: None });
    }

    /// May a token with an unknown header make us look? At most once a second.
    fn may_look(&self) -> bool {
        let mut looked = self.looked.write().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let due = looked.is_none_or(|at| now.duration_since(at) >= LOOK_EVERY);
        if due {
            *looked = Some(now);
        }
        due
    }
}

impl Ring {
    fn counts(&self, id: &str, now: Timestamp, live: SignedDuration) -> bool {
        let found = self.keys.iter().find(|key| key.id == id);
        found.is_some_and(|key| state(key, &self.keys, now, live).counts())
    }

    fn by_header(&self, header: &str, of: impl Fn(&HeldKey) -> &str) -> Option<Arc<HeldKey>> {
        self.held.iter().find(|key| of(key) == header).cloned()
    }
}

impl HeldKey {
    fn new(key: &SigningKey, private: &[u8]) -> anyhow::Result<Self> {
        let jwk: Jwk = serde_json::from_str(&key.public)?;
        let header = |typ: &str| -> anyhow::Result<String> {
            let header = Header {
                typ: Some(typ.to_owned()),
                kid: Some(key.id.clone()),
                ..Header::new(key.algorithm.into())
            };
            encoded(&header)
        };
        Ok(Self {
            id: key.id.clone(),
            algorithm: key.algorithm,
            encoding: encoding(key.algorithm, private),
            decoding: DecodingKey::from_jwk(&jwk)?,
            access_header: header(ACCESS)?,
            id_header: header(ID)?,
        })
    }

    fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, Error> {
        let header = Header {
            typ: Some(typ.to_owned()),
            kid: Some(self.id.clone()),
            ..Header::new(self.algorithm.into())
        };
        jsonwebtoken::encode(&header, claims, &self.encoding).map_err(Error::Sign)
    }
}

/// A header as a token begins with it.
fn encoded(header: &Header) -> anyhow::Result<String> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(header)?))
}

impl From<KeyAlgorithm> for Algorithm {
    fn from(algorithm: KeyAlgorithm) -> Self {
        match algorithm {
            KeyAlgorithm::Rs256 => Self::RS256,
            KeyAlgorithm::Es256 => Self::ES256,
            KeyAlgorithm::EdDsa => Self::EdDSA,
        }
    }
}

fn encoding(algorithm: KeyAlgorithm, private: &[u8]) -> EncodingKey {
    match algorithm {
        KeyAlgorithm::Rs256 => EncodingKey::from_rsa_der(private),
        KeyAlgorithm::Es256 => EncodingKey::from_ec_der(private),
        KeyAlgorithm::EdDsa => EncodingKey::from_ed_der(private),
    }
}

/// A new key pair: its thumbprint, public JWK and private part. RSA takes up to seconds: not for an async thread.
fn generate(algorithm: KeyAlgorithm) -> anyhow::Result<(String, String, Vec<u8>)> {
    use p256::pkcs8::EncodePrivateKey as _;
    use rsa::rand_core::OsRng;
    let private = match algorithm {
        KeyAlgorithm::Rs256 => {
            rsa::RsaPrivateKey::new(&mut OsRng, RSA_BITS)?.to_pkcs1_der()?.as_bytes().to_vec()
        }
        KeyAlgorithm::Es256 => p256::SecretKey::random(&mut OsRng)
            .to_pkcs8_der()
            .map_err(|error| anyhow!("{error}"))?
            .as_bytes()
            .to_vec(),
        KeyAlgorithm::EdDsa => {
            let secret = ed25519_dalek::SigningKey::generate(&mut OsRng);
            let pair = ed25519_dalek::pkcs8::KeypairBytes { secret_key: secret.to_bytes(), public_key: None };
            pair.to_pkcs8_der().map_err(|error| anyhow!("{error}"))?.as_bytes().to_vec()
        }
    };
    let mut jwk = Jwk::from_encoding_key(&encoding(algorithm, &private), algorithm.into())?;
    let id = jwk.thumbprint(ThumbprintHash::SHA256)?;
    jwk.common.key_id = Some(id.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok((id, serde_json::to_string(&jwk)?, private))
}

/// What the sealed private part of a key is for.
fn purpose(id: &str) -> String {
    format!("signing-key:{id}")
}

impl Identity {
    /// How long after its last signature a key must still verify.
    fn tokens_live(&self) -> SignedDuration {
        SignedDuration::from_secs(self.config().access_ttl_s.into()) + SLACK
    }

    fn rotate_every(&self) -> SignedDuration {
        SignedDuration::from_hours(24 * i64::from(self.config().key_rotation_days))
    }

    /// The keys as they are; read anew when older than sessions may be, or told to have changed.
    async fn ring(&self, now: Timestamp) -> Result<Arc<Ring>, Error> {
        let age_max = SignedDuration::from_millis(self.config().session_cache_ms.into());
        let fresh =
            |ring: &Ring| ring.read_at.is_some_and(|read_at| now.duration_since(read_at).abs() <= age_max);
        let keyring = &self.0.keyring;
        let ring = keyring.ring();
        if fresh(&ring) {
            return Ok(ring);
        }
        let _one = keyring.reading.lock().await;
        let ring = keyring.ring();
        if fresh(&ring) { Ok(ring) } else { self.read_ring(now).await }
    }

    /// Private parts are opened once: a key that is held already is kept as it is.
    async fn read_ring(&self, now: Timestamp) -> Result<Arc<Ring>, Error> {
        let known = self.0.keyring.ring();
        let rows = {
            let mut tx = self.0.db.read().await?;
            store::signing_keys::list(&mut tx).await?
        };
        let mut ring = Ring { read_at: Some(now), ..Ring::default() };
        for row in rows {
            let held = match known.held.iter().find(|held| held.id == row.key.id) {
                Some(held) => held.clone(),
                None => {
                    let private = self.0.tokens.seal().open(&purpose(&row.key.id), &row.private);
                    let private = private.map_err(Error::Key)?;
                    Arc::new(HeldKey::new(&row.key, private.expose()).map_err(Error::Key)?)
                }
            };
            ring.held.push(held);
            ring.keys.push(row.key);
        }
        self.0.keyring.set(ring);
        Ok(self.0.keyring.ring())
    }

    /// The key whose access tokens begin with this header. One that is not known is looked for, within bounds: another
    /// node may just have made it.
    pub(super) async fn key_of_access_header(
        &self,
        header: &str,
        now: Timestamp,
    ) -> Result<Option<Arc<HeldKey>>, Error> {
        self.key_by(header, |key| &key.access_header, now).await
    }

    pub(super) async fn key_of_id_header(
        &self,
        header: &str,
        now: Timestamp,
    ) -> Result<Option<Arc<HeldKey>>, Error> {
        self.key_by(header, |key| &key.id_header, now).await
    }

    async fn key_by(
        &self,
        header: &str,
        of: impl Fn(&HeldKey) -> &str,
        now: Timestamp,
    ) -> Result<Option<Arc<HeldKey>>, Error> {
        let mut ring = self.ring(now).await?;
        let mut found = ring.by_header(header, &of);
        if found.is_none() && self.0.keyring.may_look() {
            let _one = self.0.keyring.reading.lock().await;
            ring = self.read_ring(now).await?;
            found = ring.by_header(header, &of);
        }
        Ok(found.filter(|key| ring.counts(&key.id, now, self.tokens_live())))
    }

    /// Signs by the present key of the algorithm, which is made if there is none. Not to be called within a transaction.
    pub(super) async fn sign<C>(
        &self,
        algorithm: KeyAlgorithm,
        typ: &'static str,
        claims: C,
        now: Timestamp,
    ) -> Result<String, Error>
    where
        C: Serialize + Send + 'static,
    {
        let key = self.signing_key(algorithm, now).await?;
        if algorithm != KeyAlgorithm::Rs256 {
            return key.sign(typ, &claims);
        }
        // Some milliseconds of big numbers.
        let signed = tokio::task::spawn_blocking(move || key.sign(typ, &claims)).await;
        signed.map_err(|panic| Error::Key(panic.into()))?
    }

    async fn signing_key(&self, algorithm: KeyAlgorithm, now: Timestamp) -> Result<Arc<HeldKey>, Error> {
        let mut ring = self.ring(now).await?;
        if signer(&ring.keys, algorithm, now).is_none() {
            let _one = self.0.keyring.reading.lock().await;
            ring = self.read_ring(now).await?;
            if signer(&ring.keys, algorithm, now).is_none() {
                self.make_key(&ring.keys, algorithm, now, now).await?;
                ring = self.read_ring(now).await?;
            }
        }
        if next_due(&ring.keys, algorithm, now, self.rotate_every(), AHEAD).is_some_and(|due| due <= now) {
            self.publish_next(algorithm, now);
        }
        let found = signer(&ring.keys, algorithm, now);
        let found = found.and_then(|key| ring.held.iter().find(|held| held.id == key.id).cloned());
        found.ok_or_else(|| Error::Key(anyhow!("there is no key for {}", algorithm.name())))
    }

    /// In the background: the present key goes on signing.
    fn publish_next(&self, algorithm: KeyAlgorithm, now: Timestamp) {
        let identity = self.clone();
        self.0.spawner.spawn("identity.publish_next_key", async move {
            let made: Result<(), Error> = async {
                let _one = identity.0.keyring.reading.lock().await;
                let ring = identity.read_ring(now).await?;
                let due = next_due(&ring.keys, algorithm, now, identity.rotate_every(), AHEAD);
                if due.is_some_and(|due| due <= now) {
                    identity.make_key(&ring.keys, algorithm, now, now + AHEAD).await?;
                    identity.delete_done(&ring.keys, now).await?;
                    identity.read_ring(now).await?;
                    identity.tell_of_keys();
                }
                Ok(())
            }
            .await;
            if let Err(error) = made {
                tracing::error!(error = ?error, algorithm = algorithm.name(), "the next signing key could not be made");
            }
        });
    }

    /// The next key after those that are there; nothing happens when another node was faster. Its id, if it was us.
    async fn make_key(
        &self,
        keys: &[SigningKey],
        algorithm: KeyAlgorithm,
        now: Timestamp,
        active_from: Timestamp,
    ) -> Result<Option<String>, Error> {
        let made = tokio::task::spawn_blocking(move || generate(algorithm)).await;
        let (id, public, private) = made.context("could not make a key").flatten().map_err(Error::Key)?;
        let sealed = self.0.tokens.seal().close(&purpose(&id), &private).map_err(Error::Key)?;
        let number =
            1 + keys.iter().filter(|key| key.algorithm == algorithm).map(|key| key.number).max().unwrap_or(0);
        let key =
            SigningKey { id, algorithm, number, public, created_at: now, active_from, revoked_at: None };
        let mut tx = self.0.db.begin().await?;
        let inserted = store::signing_keys::insert(&mut tx, &key, &sealed).await?;
        tx.commit().await?;
        tracing::info!(key.id, algorithm = algorithm.name(), inserted, "a signing key was made");
        Ok(inserted.then_some(key.id))
    }

    async fn delete_done(&self, keys: &[SigningKey], now: Timestamp) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        for key in keys {
            let newest =
                !keys.iter().any(|other| other.algorithm == key.algorithm && other.number > key.number);
            if !newest && !state(key, keys, now, self.tokens_live()).counts() {
                store::signing_keys::delete(&mut tx, &key.id).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// Every key that is there, with where it stands.
    pub(crate) async fn list_signing_keys(
        &self,
        allow: &Allow<ReadSigningKeys>,
    ) -> Result<Vec<(SigningKey, KeyState)>, Error> {
        self.keys_with_state(allow.now).await
    }

    async fn keys_with_state(&self, now: Timestamp) -> Result<Vec<(SigningKey, KeyState)>, Error> {
        let _one = self.0.keyring.reading.lock().await;
        let ring = self.read_ring(now).await?;
        let with_state = |key: &SigningKey| (key.clone(), state(key, &ring.keys, now, self.tokens_live()));
        Ok(ring.keys.iter().map(with_state).collect())
    }

    /// A new key for each algorithm in use. It is published at once and signs when readers have had time to see it; with
    /// `revoke` (somebody may know a key) it signs at once, and all that the older ones signed is refused from now on.
    pub(crate) async fn rotate_signing_keys(
        &self,
        allow: &Allow<WriteSigningKeys>,
        revoke: bool,
    ) -> Result<Vec<(SigningKey, KeyState)>, Error> {
        let now = allow.now;
        let active_from = if revoke { now } else { now + SignedDuration::from_secs(KEY_SET_AGE_S.into()) };
        {
            let _one = self.0.keyring.reading.lock().await;
            let ring = self.read_ring(now).await?;
            let configured = self.config().signing.algorithm();
            let used = KeyAlgorithm::ALL.into_iter().filter(|algorithm| {
                configured == Some(*algorithm) || ring.keys.iter().any(|key| key.algorithm == *algorithm)
            });
            let mut made = Vec::new();
            for algorithm in used {
                // The very first key of an algorithm has nobody to take over from.
                let from = if signer(&ring.keys, algorithm, now).is_some() { active_from } else { now };
                made.extend(self.make_key(&ring.keys, algorithm, now, from).await?.map(|id| (algorithm, id)));
            }
            let rows = self.read_ring(now).await?;
            let mut tx = self.0.db.begin().await?;
            if revoke {
                for (algorithm, id) in &made {
                    let number = rows.keys.iter().find(|key| key.id == *id).map_or(0, |key| key.number);
                    store::signing_keys::revoke_before(&mut tx, *algorithm, number, now).await?;
                }
            }
            let ids: Vec<_> = made.iter().map(|(_, id)| id).collect();
            let entry = NewEntry::by(allow, "identity.signing-keys-rotated")
                .detail(json!({ "made": ids, "older_revoked": revoke }));
            self.write_down(&mut tx, entry).await?;
            tx.commit().await?;
        }
        self.tell_of_keys();
        self.keys_with_state(now).await
    }

    /// The public keys (RFC 7517 §5), those that will sign soon among them.
    pub(crate) async fn key_set(&self, now: Timestamp) -> Result<serde_json::Value, Error> {
        let ring = self.ring(now).await?;
        let live = self.tokens_live();
        let counting = ring.keys.iter().filter(|key| state(key, &ring.keys, now, live).counts());
        let keys = counting
            .map(|key| serde_json::from_str::<serde_json::Value>(&key.public))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Error::Key(error.into()))?;
        Ok(json!({ "keys": keys }))
    }

    fn tell_of_keys(&self) {
        if self.0.redis.is_configured() {
            let redis = self.0.redis.clone();
            // Without Redis for a moment, the ring's age is what others have.
            let telling = async move { drop(redis.publish(CHANGED, b"").await) };
            self.0.spawner.spawn("identity.tell_of_keys", telling);
        }
    }

    /// Hears of keys that other processes make or revoke, until told to stop.
    pub(crate) async fn follow_keys(self, stop: CancellationToken) {
        let mut changes = self.0.redis.subscribe(CHANGED);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                notice = changes.recv() => if notice != Notice::Lost {
                    self.0.keyring.forget();
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_signs_what_its_public_key_verifies() {
        for algorithm in KeyAlgorithm::ALL {
            let (id, public, private) = generate(algorithm).unwrap();
            assert_eq!(id.len(), 43);
            assert!(!public.contains("\"d\"") && public.contains(&id), "{public}");
            let key = SigningKey {
                id,
                algorithm,
                number: 1,
                public,
                created_at: Timestamp::UNIX_EPOCH,
                active_from: Timestamp::UNIX_EPOCH,
                revoked_at: None,
            };
            let held = HeldKey::new(&key, &private).unwrap();
            let token = held.sign(ACCESS, &json!({ "sub": "x" })).unwrap();
            assert!(token.starts_with(&format!("{}.", held.access_header)), "{token}");
            let mut validation = jsonwebtoken::Validation::new(algorithm.into());
            validation.required_spec_claims.clear();
            validation.validate_exp = false;
            jsonwebtoken::decode::<serde_json::Value>(&token, &held.decoding, &validation).unwrap();
        }
    }

    /// RFC 7638 §3.1.
    #[test]
    fn thumbprints_are_those_of_the_standard() {
        let jwk: Jwk = serde_json::from_str(
            r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#,
        )
        .unwrap();
        let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).unwrap();
        assert_eq!(thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }
}
