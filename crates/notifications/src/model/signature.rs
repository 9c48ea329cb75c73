//! Signatures as in Standard Webhooks (<https://www.standardwebhooks.com>).

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::Secret;
use rand::Rng as _;
use sha2::Sha256;

/// What signs a webhook's messages: `whsec_` and the key in base 64.
#[derive(Debug, Clone)]
pub(crate) struct SigningSecret(Secret<String>);

const PREFIX: &str = "whsec_";
/// The standard asks for 24 to 64.
const KEY_BYTES: usize = 32;

impl SigningSecret {
    pub(crate) fn random(rng: &mut impl rand::RngCore) -> Self {
        let key: [u8; KEY_BYTES] = rng.random();
        Self(Secret::new(format!("{PREFIX}{}", BASE64.encode(key))))
    }

    /// As it stands in the table.
    pub(crate) fn from_text(text: String) -> Self {
        Self(Secret::new(text))
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }

    fn key(&self) -> Vec<u8> {
        BASE64.decode(self.expose().trim_start_matches(PREFIX)).unwrap_or_default()
    }
}

/// The value of `webhook-signature`: one signature for each secret, newest first.
pub(crate) fn sign(secrets: &[&SigningSecret], message: &str, timestamp_s: i64, payload: &str) -> String {
    let signatures = secrets.iter().map(|secret| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret.key()).expect("HMAC takes a key of any length");
        mac.update(format!("{message}.{timestamp_s}.").as_bytes());
        mac.update(payload.as_bytes());
        format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn signs_as_the_standard_says() {
        let secret = SigningSecret::from_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let payload = r#"{"test": 2432232314}"#;
        let signature = sign(&[&secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, payload);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let other = SigningSecret::random(&mut rand::rng());
        assert!(other.expose().starts_with("whsec_") && other.key().len() == KEY_BYTES);
        let both = sign(&[&other, &secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, payload);
        assert!(both.ends_with(&format!(" {signature}")), "{both}");
        assert!(!format!("{other:?}").contains(other.expose()));
    }
}
