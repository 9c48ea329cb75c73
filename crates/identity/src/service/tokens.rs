use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use kernel::{SessionId, Timestamp, UserId, WorkspaceId};
use rand::RngCore as _;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::{Identity, seal::Seal, signing::ACCESS};
use crate::{
    config::Config,
    error::Error,
    model::{Membership, Session, Token},
};

/// Makes and reads the tokens that clients hold: access tokens (RFC 9068), refresh tokens, CSRF tokens.
pub(super) struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    /// The one header that we write with the installation's secret, encoded; each key pair has one of its own. A token
    /// with any other is none of ours, so nothing in a header (`alg`, `kid`, `jku`, `jwk`, `x5u`, `crit`…) is ever acted
    /// upon: the key is found by the header as a whole, and brings its algorithm.
    header: String,
    issuer: String,
    /// What `aud` may say: the setting, or this server's address, which OAuth clients ask for (RFC 8707).
    audiences: [String; 3],
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

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    /// Who holds the token (RFC 9068 §2.2).
    #[serde(default)]
    client_id: String,
    pub(super) sid: SessionId,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    pub(super) ws: WorkspaceId,
    roles: Vec<String>,
    /// Scopes with spaces between (RFC 6749 §3.3); empty: all that the user may.
    scope: String,
    /// When the user last showed who they are, and how (RFC 9068 §2.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
}

impl Claims {
    pub(super) fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope.split(' ').filter(|scope| !scope.is_empty())
    }

    pub(super) fn user(&self) -> UserId {
        self.sub
    }

    pub(super) fn client(&self) -> &str {
        &self.client_id
    }

    /// As introspection tells them (RFC 7662 §2.2).
    pub(super) fn told(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// Longer than any token that we make.
const ACCESS_BYTES_MAX: usize = 4_096;
/// Seconds by which another node's clock may be ahead of ours.
const SKEW_S: i64 = 5;
/// How the header of every access token begins, encoded: `{"typ":"at+jwt","alg"`.
const HEADER_START: &str = "eyJ0eXAiOiJhdCtqd3QiLCJhbGci";
/// Session id, secret, tag.
const REFRESH_BYTES: usize = 16 + 32 + 16;

/// `client_id` of tokens that people's own programs got for a password: there is no client then.
const OWN_CLIENT: &str = "socle";

impl Tokens {
    /// `public_url` without a slash at its end.
    pub(super) fn new(config: &Config, public_url: &str, secret: &str) -> anyhow::Result<Self> {
        let encoding = EncodingKey::from_secret(secret.as_bytes());
        let probe =
            jsonwebtoken::encode(&header(), &serde_json::json!({}), &encoding).context("could not sign")?;
        let header = probe.split('.').next().context("a token has no header")?.to_owned();
        let issuer = if config.issuer.is_empty() { public_url } else { &config.issuer };
        Ok(Self {
            decoding: DecodingKey::from_secret(secret.as_bytes()),
            encoding,
            header,
            issuer: issuer.to_owned(),
            audiences: [config.audience.clone(), public_url.to_owned(), format!("{public_url}/")],
            access_ttl_s: config.access_ttl_s,
            refresh_key: mac(secret.as_bytes(), &[b"socle refresh token"]),
            csrf_key: mac(secret.as_bytes(), &[b"socle csrf token"]),
            seal: Seal::new(&mac(secret.as_bytes(), &[b"socle sealed secrets"])),
        })
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    fn claims(&self, session: &Session, membership: &Membership, scope: String, now: Timestamp) -> Claims {
        let mut jti = [0; 12];
        rand::rng().fill_bytes(&mut jti);
        Claims {
            iss: self.issuer.clone(),
            aud: session.audience.clone().unwrap_or_else(|| self.audiences[0].clone()),
            sub: session.user,
            client_id: session.client.clone().unwrap_or_else(|| OWN_CLIENT.to_owned()),
            sid: session.id,
            jti: URL_SAFE_NO_PAD.encode(jti),
            iat: now.as_second(),
            nbf: now.as_second(),
            exp: now.as_second() + i64::from(self.access_ttl_s),
            ws: membership.workspace.id,
            roles: membership.role_names(),
            scope,
            auth_time: Some(session.authenticated_at.as_second()),
            amr: session.methods.clone(),
        }
    }

    /// The header of a token that could be one of ours.
    fn header_of<'t>(&self, token: &'t str) -> Result<&'t str, Error> {
        let header = token.split('.').next();
        let header =
            header.filter(|header| token.len() <= ACCESS_BYTES_MAX && header.starts_with(HEADER_START));
        header.ok_or(Error::TokenRefused)
    }

    fn read(&self, token: &str, by: (Algorithm, &DecodingKey), now: Timestamp) -> Result<Claims, Error> {
        let (algorithm, key) = by;
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&self.audiences);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Against the request's own time, below.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let claims =
            jsonwebtoken::decode::<Claims>(token, key, &validation).map_err(|_| Error::TokenRefused)?.claims;
        let now = now.as_second();
        if claims.exp <= now || claims.nbf > now + SKEW_S { Err(Error::TokenRefused) } else { Ok(claims) }
    }

    /// The secret behind its session's id and before a tag that proves that we made it: a stranger can neither ask the
    /// database with made-up tokens nor end a session by showing one.
    pub(super) fn refresh_text(&self, session: SessionId, token: &Token) -> String {
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

    pub(super) fn access_ttl_s(&self) -> u32 {
        self.access_ttl_s
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

impl Identity {
    /// An access and a refresh token of a session. Not to be called within a transaction: signing may take milliseconds.
    pub(super) async fn pair(
        &self,
        session: &Session,
        membership: &Membership,
        refresh: &Token,
        now: Timestamp,
    ) -> Result<TokenPair, Error> {
        Ok(TokenPair {
            access: self.access_token(session, membership, &session.scopes, now).await?,
            refresh: self.0.tokens.refresh_text(session.id, refresh),
            expires_in_s: self.0.tokens.access_ttl_s,
        })
    }

    /// An access token of a session, narrowed to `scopes`. Likewise.
    pub(super) async fn access_token(
        &self,
        session: &Session,
        membership: &Membership,
        scopes: &[String],
        now: Timestamp,
    ) -> Result<String, Error> {
        let tokens = &self.0.tokens;
        let claims = tokens.claims(session, membership, scopes.join(" "), now);
        match self.config().signing.algorithm() {
            None => jsonwebtoken::encode(&header(), &claims, &tokens.encoding).map_err(Error::Sign),
            Some(algorithm) => self.sign(algorithm, ACCESS, claims, now).await,
        }
    }

    /// Only the token itself: whether its session still lives is for the caller to ask. Tokens that any of our keys
    /// signed count, so that a change of `identity.signing` ends nobody's session.
    pub(super) async fn read_access(&self, token: &str, now: Timestamp) -> Result<Claims, Error> {
        let tokens = &self.0.tokens;
        let header = tokens.header_of(token)?;
        if header == tokens.header {
            return tokens.read(token, (Algorithm::HS256, &tokens.decoding), now);
        }
        let key = self.key_of_access_header(header, now).await?.ok_or(Error::TokenRefused)?;
        tokens.read(token, (key.algorithm.into(), &key.decoding), now)
    }
}

fn header() -> Header {
    Header { typ: Some(ACCESS.to_owned()), ..Header::new(Algorithm::HS256) }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
