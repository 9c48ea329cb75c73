//! A client asks its user, and the user answers.

use jiff::SignedDuration;
use kernel::{Ctx, Timestamp};
use serde_json::json;

use crate::{
    error::Error,
    model::{
        NewEntry, Token, Visit,
        oauth::{
            Asked, Client, Code, OAuthError, OAuthRequestId, Request, bounded_scopes, grants, is_challenge,
            is_registered, with_parameters,
        },
    },
    service::{Identity, SignedIn},
    store::{self, oauth::requests},
};

/// What a client sends its user's browser with (RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 8707 §2, OpenID Connect Core §3.1.2.1).
#[derive(Debug, Default)]
pub(crate) struct AuthorizeQuery {
    pub(crate) client_id: Option<String>,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) response_type: Option<String>,
    pub(crate) response_mode: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) code_challenge: Option<String>,
    pub(crate) code_challenge_method: Option<String>,
    pub(crate) resources: Vec<String>,
    pub(crate) prompt: Vec<String>,
    pub(crate) max_age: Option<String>,
    pub(crate) has_request_object: bool,
    /// A parameter that came twice.
    pub(crate) doubled: Option<String>,
}

/// Where the browser goes.
#[derive(Debug)]
pub(crate) enum Authorization {
    /// Nobody may be sent anywhere: the client or its address is not proven.
    Refused(&'static str),
    /// Back to the client, with a code or an error.
    Back(String),
    /// To sign in first. The user must show who they are anew where `anew` says so.
    SignIn { anew: bool },
    /// To be asked.
    Ask(OAuthRequestId),
}

/// How long the user may think about it.
const REQUEST_TTL: SignedDuration = SignedDuration::from_mins(10);
/// How long a code works.
const CODE_TTL: SignedDuration = SignedDuration::from_secs(60);
/// How long codes are remembered, to notice one that is shown again; longer than a request may take.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);
const TEXT_CHARS_MAX: usize = 2_000;

/// What a user sees before they answer.
pub(crate) struct Question {
    pub(crate) client: Client,
    pub(crate) scopes: Vec<String>,
    /// Empty for a device.
    pub(crate) redirect_uri: String,
    pub(crate) expires_at: Timestamp,
    pub(crate) already_granted: bool,
}

impl Identity {
    /// What a client asks for, looked at step by step: who it is and where it may be answered come first, and errors go
    /// back to it only then.
    pub(crate) async fn authorize(
        &self,
        visit: &Visit,
        query: &AuthorizeQuery,
        signed_in: Option<(&Ctx, &SignedIn)>,
    ) -> Result<Authorization, Error> {
        use Authorization::{Back, Refused};
        let Some(id) = &query.client_id else { return Ok(Refused("client_id is missing")) };
        let client = {
            let mut tx = self.0.db.read().await?;
            store::oauth::clients::find(&mut tx, id).await?
        };
        let Some(client) = client.filter(|client| client.is_active) else {
            return Ok(Refused("the client is unknown"));
        };
        let Some(redirect_uri) = &query.redirect_uri else { return Ok(Refused("redirect_uri is missing")) };
        if !is_registered(&client.redirect_uris, redirect_uri) {
            return Ok(Refused("redirect_uri is not one that the client registered"));
        }
        let back = |code: &str, description: &str| {
            let mut parameters = vec![("error", code), ("error_description", description)];
            parameters.extend(query.state.as_deref().map(|state| ("state", state)));
            parameters.push(("iss", self.0.tokens.issuer()));
            Ok(Back(with_parameters(redirect_uri, &parameters)))
        };
        let asked = match self.asked(&client, query, redirect_uri) {
            Ok(asked) => asked,
            Err(OAuthError::Fault { code, description }) => return back(code, &description),
            Err(OAuthError::Failed(error)) => return Err(error),
        };
        let wants = |prompt: &str| query.prompt.iter().any(|asked| asked == prompt);
        let silent = wants("none");
        let max_age = match query.max_age.as_deref().map(str::parse::<u32>) {
            None => None,
            Some(Ok(seconds)) => Some(SignedDuration::from_secs(seconds.into())),
            Some(Err(_)) => return back("invalid_request", "max_age must be a number of seconds"),
        };
        let Some((ctx, signed_in)) = signed_in else {
            if silent {
                return back("login_required", "nobody is signed in");
            }
            return Ok(Authorization::SignIn { anew: wants("login") });
        };
        let mut confirmed_since = max_age.map_or(Timestamp::UNIX_EPOCH, |age| visit.now - age);
        if wants("login") {
            confirmed_since = visit.now;
        }
        let confirmed = signed_in.session.authenticated_at >= confirmed_since;
        let granted = self.is_granted(signed_in, &client, &asked.scopes).await?;
        let may_skip = granted && client.may_skip_consent(redirect_uri) && confirmed;
        if may_skip && !wants("consent") && !wants("select_account") {
            return Ok(Back(self.give_code(ctx, signed_in, &client, asked).await?));
        }
        if silent {
            let (code, description) = if confirmed {
                ("consent_required", "the user must be asked")
            } else {
                ("login_required", "the user must sign in again")
            };
            return back(code, description);
        }
        let request = Request {
            id: OAuthRequestId::new(visit.now),
            client: client.id,
            user: signed_in.user.id,
            asked,
            confirmed_since,
            created_at: visit.now,
            expires_at: visit.now + REQUEST_TTL,
        };
        let mut tx = self.0.db.begin().await?;
        requests::delete_expired(&mut tx, visit.now - REMEMBERED).await?;
        requests::insert(&mut tx, &request).await?;
        tx.commit().await?;
        Ok(Authorization::Ask(request.id))
    }

    fn asked(
        &self,
        client: &Client,
        query: &AuthorizeQuery,
        redirect_uri: &str,
    ) -> Result<Asked, OAuthError> {
        let fault = |code, description: &str| OAuthError::Fault { code, description: description.to_owned() };
        if let Some(doubled) = &query.doubled {
            return Err(OAuthError::invalid_request(format!("{doubled} is there twice")));
        }
        if query.has_request_object {
            return Err(fault(
                "request_not_supported",
                "send the parameters themselves, not a request object",
            ));
        }
        if query.response_type.as_deref() != Some("code") {
            return Err(fault("unsupported_response_type", "response_type must be code"));
        }
        if query.response_mode.as_deref().is_some_and(|mode| mode != "query") {
            return Err(OAuthError::invalid_request("response_mode must be query"));
        }
        if !client.may(grants::CODE) {
            return Err(OAuthError::unauthorized_client(
                "the client did not register for authorization_code",
            ));
        }
        if query.code_challenge_method.as_deref() != Some("S256") {
            return Err(OAuthError::invalid_request("code_challenge_method must be S256"));
        }
        let challenge = query.code_challenge.as_deref().filter(|challenge| is_challenge(challenge));
        let challenge = challenge.ok_or_else(|| {
            OAuthError::invalid_request("code_challenge must be the SHA-256 of a verifier, as base64url")
        })?;
        let texts = [&query.state, &query.nonce];
        if texts.into_iter().flatten().any(|text| text.len() > TEXT_CHARS_MAX) {
            return Err(OAuthError::invalid_request("state and nonce may have 2000 characters"));
        }
        let alone = query.prompt.len() > 1 && query.prompt.iter().any(|prompt| prompt == "none");
        let known =
            |prompt: &String| matches!(prompt.as_str(), "none" | "login" | "consent" | "select_account");
        if alone || !query.prompt.iter().all(known) {
            return Err(OAuthError::invalid_request(
                "prompt must be none, or any of login, consent, select_account",
            ));
        }
        Ok(Asked {
            scopes: bounded_scopes(&client.scopes, &query.scopes)
                .ok_or_else(|| OAuthError::invalid_scope("the client may ask for none of these scopes"))?,
            redirect_uri: redirect_uri.to_owned(),
            state: query.state.clone(),
            nonce: query.nonce.clone(),
            code_challenge: challenge.to_owned(),
            resource: self.own_resource(&query.resources)?,
        })
    }

    /// RFC 8707: tokens are for this server alone.
    pub(super) fn own_resource(&self, resources: &[String]) -> Result<Option<String>, OAuthError> {
        let own = self.public_url();
        if resources.iter().any(|asked| asked.trim_end_matches('/') != own) {
            return Err(OAuthError::invalid_target(format!("there is no resource here but {own}")));
        }
        Ok(resources.first().cloned())
    }

    async fn is_granted(
        &self,
        signed_in: &SignedIn,
        client: &Client,
        scopes: &[String],
    ) -> Result<bool, Error> {
        let mut tx = self.0.db.read().await?;
        let consent = store::oauth::clients::find_consent(&mut tx, signed_in.user.id, &client.id).await?;
        Ok(consent.is_some_and(|consent| scopes.iter().all(|scope| consent.scopes.contains(scope))))
    }

    /// What waits for the caller's answer.
    pub(crate) async fn get_request(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
        id: OAuthRequestId,
    ) -> Result<Question, Error> {
        let (request, client) = self.waiting(ctx, signed_in, id).await?;
        let already_granted = self.is_granted(signed_in, &client, &request.asked.scopes).await?;
        Ok(Question {
            client,
            scopes: request.asked.scopes,
            redirect_uri: request.asked.redirect_uri,
            expires_at: request.expires_at,
            already_granted,
        })
    }

    async fn waiting(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
        id: OAuthRequestId,
    ) -> Result<(Request, Client), Error> {
        let mut tx = self.0.db.read().await?;
        let request = requests::find(&mut tx, signed_in.user.id, id, ctx.now).await?;
        let request = request.ok_or_else(|| Error::RequestNotFound(id.to_string()))?;
        let client = store::oauth::clients::find(&mut tx, &request.client).await?;
        let client = client.filter(|client| client.is_active);
        Ok((request, client.ok_or_else(|| Error::RequestNotFound(id.to_string()))?))
    }

    /// The user lets the client in, to all that it asks for or to less. Where to send the browser.
    pub(crate) async fn approve_request(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
        id: OAuthRequestId,
        scopes: Option<Vec<String>>,
    ) -> Result<String, Error> {
        require_whole(signed_in)?;
        let (request, client) = self.waiting(ctx, signed_in, id).await?;
        if signed_in.session.authenticated_at < request.confirmed_since {
            return Err(Error::ConfirmFirst);
        }
        let mut asked = request.asked;
        asked.scopes = fewer(asked.scopes, scopes)?;
        {
            let mut tx = self.0.db.begin().await?;
            if !requests::decide(&mut tx, id, ctx.now).await? {
                return Err(Error::RequestNotFound(id.to_string()));
            }
            tx.commit().await?;
        }
        self.remember_consent(ctx, signed_in, &client, &asked.scopes).await?;
        self.give_code(ctx, signed_in, &client, asked).await
    }

    /// The user does not let the client in. Where to send the browser.
    pub(crate) async fn deny_request(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
        id: OAuthRequestId,
    ) -> Result<String, Error> {
        let (request, client) = self.waiting(ctx, signed_in, id).await?;
        let mut tx = self.0.db.begin().await?;
        if !requests::decide(&mut tx, id, ctx.now).await? {
            return Err(Error::RequestNotFound(id.to_string()));
        }
        let entry = NewEntry::by(ctx, "identity.client-denied").target(&client.id);
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        let mut parameters = vec![("error", "access_denied"), ("error_description", "the user said no")];
        parameters.extend(request.asked.state.as_deref().map(|state| ("state", state)));
        parameters.push(("iss", self.0.tokens.issuer()));
        Ok(with_parameters(&request.asked.redirect_uri, &parameters))
    }

    /// Scopes that were granted before stay so.
    pub(super) async fn remember_consent(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
        client: &Client,
        scopes: &[String],
    ) -> Result<(), Error> {
        let user = signed_in.user.id;
        let mut tx = self.0.db.begin().await?;
        let before = store::oauth::clients::find_consent(&mut tx, user, &client.id).await?;
        let mut all = before.map(|consent| consent.scopes).unwrap_or_default();
        all.extend(scopes.iter().cloned());
        all.sort_unstable();
        all.dedup();
        store::oauth::clients::save_consent(&mut tx, user, &client.id, &all, ctx.now).await?;
        let detail = json!({ "name": client.name, "by_itself": client.by_itself, "scopes": scopes });
        let entry = NewEntry::by(ctx, "identity.client-let-in").target(&client.id).detail(detail);
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A code for what the user agreed to, and where to take it (RFC 6749 §4.1.2, RFC 9207).
    async fn give_code(
        &self,
        ctx: &Ctx,
        signed_in: &SignedIn,
        client: &Client,
        asked: Asked,
    ) -> Result<String, Error> {
        let token = Token::random(&mut rand::rng());
        let (redirect_uri, state) = (asked.redirect_uri.clone(), asked.state.clone());
        let code = Code {
            client: client.id.clone(),
            user: signed_in.user.id,
            workspace: ctx.workspace,
            asked,
            methods: signed_in.session.methods.clone(),
            authenticated_at: signed_in.session.authenticated_at,
            created_at: ctx.now,
            expires_at: ctx.now + CODE_TTL,
            used_at: None,
            session: None,
        };
        let mut tx = self.0.db.begin().await?;
        requests::insert_code(&mut tx, &token.hash(), &code).await?;
        tx.commit().await?;
        let text = token.text();
        let mut parameters = vec![("code", text.as_str())];
        parameters.extend(state.as_deref().map(|state| ("state", state)));
        parameters.push(("iss", self.0.tokens.issuer()));
        Ok(with_parameters(&redirect_uri, &parameters))
    }
}

/// Who holds less than the user cannot give what the user has.
pub(super) fn require_whole(signed_in: &SignedIn) -> Result<(), Error> {
    let whole = signed_in.session.is_own() && signed_in.session.scopes.is_empty();
    if whole { Ok(()) } else { Err(Error::OwnSessionNeeded) }
}

/// Those of the asked scopes that the user agrees to; at least one.
pub(super) fn fewer(asked: Vec<String>, agreed: Option<Vec<String>>) -> Result<Vec<String>, Error> {
    let Some(agreed) = agreed else { return Ok(asked) };
    let invalid = |reason: &str| Error::Invalid { pointer: "/scopes", reason: reason.to_owned() };
    if agreed.iter().any(|scope| !asked.contains(scope)) {
        return Err(invalid("holds one that was not asked for"));
    }
    let kept: Vec<_> = asked.into_iter().filter(|scope| agreed.contains(scope)).collect();
    if kept.is_empty() { Err(invalid("must hold at least one")) } else { Ok(kept) }
}
