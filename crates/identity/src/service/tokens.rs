use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use kernel::{SessionId, Timestamp, UserId, WorkspaceId};
use rand::RngCore as _;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::seal::Seal;
use crate::{
    config::Config,
    error::Error,
    model::{Membership, Session, Token},
};

/// Makes and reads the tokens that clients hold: access tokens (RFC 9068 in form), refresh tokens, CSRF tokens.
pub(super) struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    /// The one header that we write, encoded. A token with any other is none of ours, so nothing in a header (`alg`,
    /// `kid`, `jku`, `jwk`, `x5u`, `crit`…) is ever acted upon.
    header: String,
    issuer: String,
    audience: String,
    access_ttl_s: u32,
    refresh_key: [u8; 32],
    csrf_key: [u8; 32],
    seal: Seal,
}

/// What a client gets for its credentials.
pub(crate) struct TokenPair {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) expires_in_s: u32,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    pub(super) sid: SessionId,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    pub(super) ws: WorkspaceId,
    roles: Vec<String>,
    /// Scopes with spaces between (RFC 6749 §3.3); empty: all that the user may.
    scope: String,
}

impl Claims {
    pub(super) fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope.split(' ').filter(|scope| !scope.is_empty())
    }

    pub(super) fn user(&self) -> UserId {
        self.sub
    }
}

/// Longer than any token that we make.
const ACCESS_BYTES_MAX: usize = 4_096;
/// Seconds by which another node's clock may be ahead of ours.
const SKEW_S: i64 = 5;
/// Session id, secret, tag.
const REFRESH_BYTES: usize = 16 + 32 + 16;

impl Tokens {
    pub(super) fn new(config: &Config, secret: &str) -> anyhow::Result<Self> {
        let encoding = EncodingKey::from_secret(secret.as_bytes());
        let probe =
            jsonwebtoken::encode(&header(), &serde_json::json!({}), &encoding).context("could not sign")?;
        let header = probe.split('.').next().context("a token has no header")?.to_owned();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[&config.issuer]);
        validation.set_audience(&[&config.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Against the request's own time, below.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Ok(Self {
            decoding: DecodingKey::from_secret(secret.as_bytes()),
            encoding,
            validation,
            header,
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            access_ttl_s: config.access_ttl_s,
            refresh_key: mac(secret.as_bytes(), &[b"socle refresh token"]),
            csrf_key: mac(secret.as_bytes(), &[b"socle csrf token"]),
            seal: Seal::new(&mac(secret.as_bytes(), &[b"socle sealed secrets"])),
        })
    }

    pub(super) fn pair(
        &self,
        session: &Session,
        membership: &Membership,
        refresh: &Token,
        now: Timestamp,
    ) -> Result<TokenPair, Error> {
        let mut jti = [0; 12];
        rand::rng().fill_bytes(&mut jti);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: session.user,
            sid: session.id,
            jti: URL_SAFE_NO_PAD.encode(jti),
            iat: now.as_second(),
            nbf: now.as_second(),
            exp: now.as_second() + i64::from(self.access_ttl_s),
            ws: membership.workspace.id,
            roles: membership.role_names(),
            scope: session.scopes.join(" "),
        };
        Ok(TokenPair {
            access: jsonwebtoken::encode(&header(), &claims, &self.encoding).map_err(Error::Sign)?,
            refresh: self.refresh_text(session.id, refresh),
            expires_in_s: self.access_ttl_s,
        })
    }

    /// Only the token itself: whether its session still lives is for the caller to ask.
    pub(super) fn read_access(&self, token: &str, now: Timestamp) -> Result<Claims, Error> {
        let ours = token.len() <= ACCESS_BYTES_MAX
            && token.strip_prefix(&self.header).is_some_and(|rest| rest.starts_with('.'));
        if !ours {
            return Err(Error::TokenRefused);
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation)
            .map_err(|_| Error::TokenRefused)?
            .claims;
        let now = now.as_second();
        if claims.exp <= now || claims.nbf > now + SKEW_S { Err(Error::TokenRefused) } else { Ok(claims) }
    }

    /// The secret behind its session's id and before a tag that proves that we made it: a stranger can neither ask the
    /// database with made-up tokens nor end a session by showing one.
    fn refresh_text(&self, session: SessionId, token: &Token) -> String {
        let mut bytes = Vec::with_capacity(REFRESH_BYTES);
        bytes.extend_from_slice(session.uuid().as_bytes());
        bytes.extend_from_slice(token.bytes());
        let tag = mac(&self.refresh_key, &[&bytes]);
        bytes.extend_from_slice(&tag[..16]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(super) fn read_refresh(&self, text: &str) -> Option<(SessionId, Token)> {
        let mut bytes = [0; REFRESH_BYTES];
        // 86 characters exactly, so that a longer text costs nothing.
        let length = (text.len() == 86).then(|| URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok())??;
        if length != REFRESH_BYTES {
            return None;
        }
        let (message, tag) = bytes.split_at(48);
        if !bool::from(mac(&self.refresh_key, &[message])[..16].ct_eq(tag)) {
            return None;
        }
        let (session, secret) = message.split_at(16);
        let session = SessionId::from_uuid(uuid::Uuid::from_slice(session).ok()?);
        Some((session, Token::from_bytes(secret.try_into().ok()?)))
    }

    /// Closes and opens secrets that the database keeps.
    pub(super) fn seal(&self) -> &Seal {
        &self.seal
    }

    /// The CSRF token of a session: bound to it, so that one planted from elsewhere does not fit.
    pub(super) fn csrf(&self, session: SessionId) -> String {
        URL_SAFE_NO_PAD.encode(mac(&self.csrf_key, &[session.uuid().as_bytes()]))
    }

    pub(super) fn csrf_fits(&self, session: SessionId, shown: &str) -> bool {
        self.csrf(session).as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

fn header() -> Header {
    Header { typ: Some("at+jwt".to_owned()), ..Header::new(Algorithm::HS256) }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
