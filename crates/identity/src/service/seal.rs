use anyhow::Context as _;
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use kernel::Secret;

/// Keeps secrets that must be read again (signing keys, TOTP secrets) closed in the database: XChaCha20-Poly1305
/// (draft-irtf-cfrg-xchacha-03) under a key made of the installation's secret. What a sealed value is for, and whose it is,
/// is authenticated with it, so that a row's value does not open in another row.
pub(super) struct Seal(XChaCha20Poly1305);

const NONCE_BYTES: usize = 24;

impl Seal {
    /// `key` belongs to nothing else.
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// A random nonce, then the ciphertext with its tag. `purpose` as in `totp:usr_…`.
    pub(super) fn close(&self, purpose: &str, secret: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut nonce = [0; NONCE_BYTES];
        rand::RngCore::fill_bytes(&mut rand::rng(), &mut nonce);
        let payload = Payload { msg: secret, aad: purpose.as_bytes() };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).ok().context("could not seal a secret")?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    pub(super) fn open(&self, purpose: &str, sealed: &[u8]) -> anyhow::Result<Secret<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES).context("a sealed secret is cut off")?;
        let nonce = <[u8; NONCE_BYTES]>::try_from(nonce)?;
        let payload = Payload { msg: sealed, aad: purpose.as_bytes() };
        let opened = self.0.decrypt(&XNonce::from(nonce), payload).ok();
        let told = "a sealed secret does not open: was identity.secret changed?";
        opened.map(Secret::new).context(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_purpose_and_key_only() {
        let seal = Seal::new(&[7; 32]);
        let sealed = seal.close("totp:usr_1", b"secret").unwrap();
        assert_eq!(seal.open("totp:usr_1", &sealed).unwrap().expose(), b"secret");
        assert!(seal.open("totp:usr_2", &sealed).is_err());
        assert!(Seal::new(&[8; 32]).open("totp:usr_1", &sealed).is_err());
        assert!(seal.open("totp:usr_1", &sealed[..10]).is_err());
        let mut changed = sealed.clone();
        changed[30] ^= 1;
        assert!(seal.open("totp:usr_1", &changed).is_err());
        assert_ne!(seal.close("totp:usr_1", b"secret").unwrap(), sealed);
    }
}
