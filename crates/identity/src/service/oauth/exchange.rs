//! Tokens for what the user agreed to.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use kernel::{SessionId, Timestamp, UserId, WorkspaceId};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};

use crate::{
    error::Error,
    model::{
        KeyAlgorithm, Membership, NewEntry, RefreshState, Session, SessionKind, Token, User, Visit,
        oauth::{Asked, Client, OAuthError, grants, proves, scopes},
    },
    service::{Identity, login::choose, refresh::Rotated, signing},
    store::{
        self,
        oauth::{clients, requests},
        sessions::Proof,
    },
};

/// What a client gets.
pub(crate) struct ClientTokens {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
    pub(crate) id_token: Option<String>,
    pub(crate) expires_in_s: u32,
    pub(crate) scopes: Vec<String>,
}

/// What a code, or an approved device, gives.
pub(super) struct Given {
    pub(super) user: UserId,
    pub(super) workspace: WorkspaceId,
    pub(super) asked: Asked,
    pub(super) methods: Vec<String>,
    pub(super) authenticated_at: Timestamp,
}

/// A session of a client that was just opened.
pub(super) struct Opened {
    pub(super) session: Session,
    user: User,
    membership: Membership,
    refresh: Option<Token>,
    nonce: Option<String>,
}

impl Identity {
    /// RFC 6749 §4.1.3. A code works once, for the client that it was given to and who knows the verifier; one that is
    /// shown again ends what it gave.
    pub(crate) async fn exchange_code(
        &self,
        visit: &Visit,
        client: &Client,
        code: &str,
        redirect_uri: Option<&str>,
        verifier: &str,
        resources: &[String],
    ) -> Result<ClientTokens, OAuthError> {
        let refused =
            || OAuthError::invalid_grant("the code does not count: it is unknown, was used, or has expired");
        if !client.may(grants::CODE) {
            return Err(OAuthError::unauthorized_client(
                "the client did not register for authorization_code",
            ));
        }
        let hash = Token::parse(code).ok_or_else(refused)?.hash();
        let mut tx = self.0.db.begin().await?;
        let found = requests::lock_code(&mut tx, &hash).await?.ok_or_else(refused)?;
        if found.client != client.id {
            return Err(refused());
        }
        if found.used_at.is_some() {
            if let Some(session) = found.session {
                store::sessions::end(&mut tx, found.user, session, "code reused", visit.now).await?;
            }
            let entry = NewEntry::during(visit, found.workspace, "identity.code-reused")
                .actor(found.user)
                .target(&client.id);
            self.write_down(&mut tx, entry).await?;
            tx.commit().await?;
            self.0.live.changed();
            tracing::warn!(client.id, "an authorization code was shown again: what it gave has ended");
            return Err(refused());
        }
        if found.expires_at <= visit.now {
            return Err(refused());
        }
        if redirect_uri.is_some_and(|uri| uri != found.asked.redirect_uri) {
            return Err(OAuthError::invalid_grant(
                "redirect_uri is not the one that the code was asked with",
            ));
        }
        if !proves(verifier, &found.asked.code_challenge) {
            return Err(OAuthError::invalid_grant("code_verifier does not fit the code"));
        }
        let resource = self.own_resource(resources)?;
        let mut asked = found.asked;
        asked.resource = asked.resource.or(resource);
        let given = Given {
            user: found.user,
            workspace: found.workspace,
            asked,
            methods: found.methods,
            authenticated_at: found.authenticated_at,
        };
        let opened = self.open_for_client(&mut tx, visit, client, given).await?;
        requests::use_code(&mut tx, &hash, opened.session.id, visit.now).await?;
        self.note_client_sign_in(&mut tx, visit, client, &opened).await?;
        tx.commit().await?;
        self.client_tokens(client, opened, visit.now).await
    }

    /// Opens the session that the client's tokens belong to.
    pub(super) async fn open_for_client(
        &self,
        tx: &mut db::Tx,
        visit: &Visit,
        client: &Client,
        given: Given,
    ) -> Result<Opened, OAuthError> {
        let gone = || OAuthError::invalid_grant("the user may not sign in any more");
        let account = store::users::find_account_by_id(tx, given.user).await?;
        let account = account.filter(|account| account.may_sign_in()).ok_or_else(gone)?;
        let memberships = self.memberships(tx, given.user).await?;
        let membership = choose(memberships, given.workspace).ok_or_else(gone)?;
        // A plain OAuth client that registered for it gets a refresh token without the scope that OpenID has for it.
        let holds = |scope: &str| given.asked.scopes.iter().any(|held| held == scope);
        let refreshes = client.may(grants::REFRESH) && (holds(scopes::OFFLINE) || !holds(scopes::OPENID));
        let refresh = refreshes.then(|| Token::random(&mut rand::rng()));
        let access_ttl = SignedDuration::from_secs(self.config().access_ttl_s.into());
        let session = Session {
            id: SessionId::new(visit.now),
            kind: SessionKind::Client,
            client: Some(client.id.clone()),
            methods: given.methods,
            authenticated_at: given.authenticated_at,
            user: given.user,
            workspace: membership.workspace.id,
            scopes: given.asked.scopes,
            audience: given.asked.resource,
            device: visit.device.clone(),
            address: visit.address.map(|address| address.to_string()),
            created_at: visit.now,
            last_seen_at: visit.now,
            expires_at: if refreshes {
                self.0.times.expiry(visit.now, visit.now)
            } else {
                visit.now + access_ttl
            },
            ended_at: None,
        };
        let state = refresh.as_ref().map(RefreshState::new);
        let proof = state.as_ref().map_or(Proof::AccessOnly, Proof::Refresh);
        store::sessions::insert(tx, &session, proof).await?;
        clients::touch(tx, &client.id, visit.now).await?;
        Ok(Opened { session, user: account.user, membership, refresh, nonce: given.asked.nonce })
    }

    pub(super) async fn note_client_sign_in(
        &self,
        tx: &mut db::Tx,
        visit: &Visit,
        client: &Client,
        opened: &Opened,
    ) -> Result<(), Error> {
        let entry = NewEntry::during(visit, opened.session.workspace, "identity.client-signed-in")
            .actor(opened.session.user)
            .target(opened.session.id)
            .detail(json!({ "client": client.id, "name": client.name, "scopes": opened.session.scopes }));
        Ok(self.write_down(tx, entry).await?)
    }

    /// Signs what an opened session is worth. Not to be called within a transaction.
    pub(super) async fn client_tokens(
        &self,
        client: &Client,
        opened: Opened,
        now: Timestamp,
    ) -> Result<ClientTokens, OAuthError> {
        let Opened { session, user, membership, refresh, nonce } = opened;
        let access = self.access_token(&session, &membership, &session.scopes, now).await?;
        let id_token = self.id_token(client, &session, &user, nonce, &access, now).await?;
        Ok(ClientTokens {
            refresh: refresh.map(|token| self.0.tokens.refresh_text(session.id, &token)),
            access,
            id_token,
            expires_in_s: self.0.tokens.access_ttl_s(),
            scopes: session.scopes,
        })
    }

    /// RFC 6749 §6: the scopes may be fewer for the new access token, never more.
    pub(crate) async fn refresh_for_client(
        &self,
        visit: &Visit,
        client: &Client,
        text: &str,
        asked: &[String],
        resources: &[String],
    ) -> Result<ClientTokens, OAuthError> {
        if !client.may(grants::REFRESH) {
            return Err(OAuthError::unauthorized_client("the client did not register for refresh_token"));
        }
        self.own_resource(resources)?;
        let rotated = self.rotate(visit, text, Some((&client.id, asked))).await;
        let Rotated { session, membership, next, user } = match rotated {
            Err(Error::RefreshRefused | Error::SessionEnded | Error::NoWorkspace) => {
                return Err(OAuthError::invalid_grant("this refresh token does not count"));
            }
            Err(Error::Invalid { pointer: "/scope", reason }) => {
                return Err(OAuthError::invalid_scope(reason));
            }
            other => other?,
        };
        let scopes = if asked.is_empty() { session.scopes.clone() } else { asked.to_vec() };
        let access = self.access_token(&session, &membership, &scopes, visit.now).await?;
        let narrowed = Session { scopes: scopes.clone(), ..session.clone() };
        let id_token = self.id_token(client, &narrowed, &user, None, &access, visit.now).await?;
        Ok(ClientTokens {
            refresh: Some(self.0.tokens.refresh_text(session.id, &next)),
            access,
            id_token,
            expires_in_s: self.0.tokens.access_ttl_s(),
            scopes,
        })
    }

    /// OpenID Connect Core §2, if the client asked for it.
    async fn id_token(
        &self,
        client: &Client,
        session: &Session,
        user: &User,
        nonce: Option<String>,
        access: &str,
        now: Timestamp,
    ) -> Result<Option<String>, Error> {
        if !session.scopes.iter().any(|scope| scope == scopes::OPENID) {
            return Ok(None);
        }
        let mut claims = user_claims(user, &session.scopes);
        let more = json!({
            "iss": self.0.tokens.issuer(),
            "aud": client.id,
            "azp": client.id,
            "iat": now.as_second(),
            "exp": now.as_second() + i64::from(self.0.tokens.access_ttl_s()),
            "auth_time": session.authenticated_at.as_second(),
            "sid": session.id,
            "amr": session.methods,
            // By the number of proofs (NIST SP 800-63B §2).
            "acr": if session.methods.len() > 1 { "aal2" } else { "aal1" },
            "at_hash": half_hash(client.id_token_alg, access),
        });
        if let (Value::Object(claims), Value::Object(more)) = (&mut claims, more) {
            claims.extend(more);
            claims.extend(nonce.map(|nonce| ("nonce".to_owned(), Value::String(nonce))));
        }
        self.sign(client.id_token_alg, signing::ID, claims, now).await.map(Some)
    }
}

/// The left half of the hash of an access token (OpenID Connect Core §3.1.3.6), by the hash of the signature: SHA-512 for
/// Ed25519.
fn half_hash(algorithm: KeyAlgorithm, access: &str) -> String {
    match algorithm {
        KeyAlgorithm::Rs256 | KeyAlgorithm::Es256 => URL_SAFE_NO_PAD.encode(&Sha256::digest(access)[..16]),
        KeyAlgorithm::EdDsa => URL_SAFE_NO_PAD.encode(&Sha512::digest(access)[..32]),
    }
}

/// What the scopes let a client know of the user (OpenID Connect Core §5.1 and §5.4).
pub(super) fn user_claims(user: &User, held: &[String]) -> Value {
    let holds = |scope: &str| held.iter().any(|held| held == scope);
    let mut claims = json!({ "sub": user.id });
    if holds(scopes::PROFILE) {
        let name = format!("{} {}", user.first_name, user.last_name);
        claims["name"] = json!(name.trim());
        claims["given_name"] = json!(user.first_name);
        claims["family_name"] = json!(user.last_name);
        claims["updated_at"] = json!(user.updated_at.as_second());
        if let Some(locale) = user.locale {
            claims["locale"] = json!(locale.tag());
        }
    }
    if holds(scopes::EMAIL) {
        claims["email"] = json!(user.email);
        claims["email_verified"] = json!(user.is_verified);
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OpenID Connect Core, appendix A.3.
    #[test]
    fn at_hash_is_that_of_the_standard() {
        let access = "jHkWEdUXMU1BwAsC4vtUsZwnvTzSzH3nqHmwBhgWqbY";
        assert_eq!(
            half_hash(KeyAlgorithm::Rs256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
        assert_ne!(half_hash(KeyAlgorithm::Rs256, access), half_hash(KeyAlgorithm::EdDsa, access));
    }
}
