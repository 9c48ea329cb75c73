//! Clients: who they are, and who may register them.

use jiff::SignedDuration;
use kernel::{Allow, Ctx, Secret};
use serde_json::{Value, json};

use crate::{
    error::Error,
    model::{
        KeyAlgorithm, KeyKind, KeyText, NewEntry, Visit,
        oauth::{Client, OAuthClientId, OAuthError, grants, refuse_redirect_uri, scopes},
    },
    permissions::{ReadClients, WriteClients},
    service::{Identity, SignedIn, service_accounts::ServiceToken, sessions::user},
    store::oauth::clients::{self, Application},
};

/// Who a client says that it is. No `Debug`: the secret stays out of logs.
pub(crate) struct ClientCredentials {
    pub(crate) id: String,
    pub(crate) secret: Option<Secret<String>>,
}

/// Who asks at a door that service accounts use too.
pub(crate) struct Proven {
    pub(crate) id: String,
    pub(crate) is_confidential: bool,
}

/// A client to be registered.
#[derive(Default)]
pub(crate) struct NewClient {
    pub(crate) name: String,
    pub(crate) is_confidential: bool,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) logout_uris: Vec<String>,
    /// Empty: the standard ones.
    pub(crate) scopes: Vec<String>,
    /// Empty: code and refresh.
    pub(crate) grant_types: Vec<String>,
    pub(crate) id_token_alg: Option<String>,
    pub(crate) uri: Option<String>,
    pub(crate) logo_uri: Option<String>,
}

/// `None` leaves it.
#[derive(Default)]
pub(crate) struct ClientChange {
    pub(crate) name: Option<String>,
    pub(crate) redirect_uris: Option<Vec<String>>,
    pub(crate) logout_uris: Option<Vec<String>>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) grant_types: Option<Vec<String>>,
    pub(crate) id_token_alg: Option<String>,
    pub(crate) uri: Option<Option<String>>,
    pub(crate) logo_uri: Option<Option<String>>,
    pub(crate) is_active: Option<bool>,
}

/// Addresses of one client.
const URIS_MAX: usize = 10;
const NAME_CHARS_MAX: usize = 100;
/// Clients that registered by themselves, over all.
const BY_THEMSELVES_MAX: u64 = 5_000;
/// One that registered by itself and never got a token is forgotten after this.
const UNUSED_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Identity {
    /// RFC 6749 §4.4, for service accounts.
    pub(crate) async fn client_credentials(
        &self,
        visit: &Visit,
        client: &ClientCredentials,
        scopes: &[String],
    ) -> Result<ServiceToken, OAuthError> {
        let limits = &self.0.oauth_limits;
        limits.take_client(visit.address).await?;
        let token = self.service_token(visit, &client.id, client.secret_text(), scopes).await;
        if !matches!(token, Ok(None)) {
            limits.give_back_client(visit.address).await;
        }
        match token {
            Ok(Some(token)) => Ok(token),
            Ok(None) => Err(unknown()),
            Err(Error::Invalid { pointer: "/scope", reason }) => Err(OAuthError::invalid_scope(reason)),
            Err(error) => Err(error.into()),
        }
    }

    /// The client, if it proves who it is: by its secret, if it has one (RFC 6749 §3.2.1).
    pub(crate) async fn prove_client(
        &self,
        visit: &Visit,
        credentials: &ClientCredentials,
    ) -> Result<Client, OAuthError> {
        let limits = &self.0.oauth_limits;
        limits.take_client(visit.address).await?;
        let client = self.find_client(&credentials.id).await?.filter(|client| credentials.fit(client));
        if client.is_some() {
            limits.give_back_client(visit.address).await;
        }
        client.ok_or_else(unknown)
    }

    /// The same for doors that service accounts use too.
    pub(crate) async fn prove_holder(
        &self,
        visit: &Visit,
        credentials: &ClientCredentials,
    ) -> Result<Proven, OAuthError> {
        if !credentials.id.starts_with("usr_") {
            let client = self.prove_client(visit, credentials).await?;
            return Ok(Proven { is_confidential: client.is_confidential(), id: client.id });
        }
        let limits = &self.0.oauth_limits;
        limits.take_client(visit.address).await?;
        if !self.is_service_secret(visit, &credentials.id, credentials.secret_text()).await? {
            return Err(unknown());
        }
        limits.give_back_client(visit.address).await;
        Ok(Proven { id: credentials.id.clone(), is_confidential: true })
    }

    /// RFC 7591, where it is open. Nobody vouches for such a client: users are told so. The client, and its secret.
    pub(crate) async fn register_by_itself(
        &self,
        visit: &Visit,
        new: NewClient,
    ) -> Result<(Client, Option<KeyText>), OAuthError> {
        if !self.registration_is_open() {
            return Err(OAuthError::Fault {
                code: "access_denied",
                description: "clients are registered by an administrator here".to_owned(),
            });
        }
        self.0.oauth_limits.take_registration(visit.address).await?;
        let (client, secret) = self.new_client(new, true, visit.now).map_err(metadata_fault)?;
        let workspace = self.default_workspace().await?;
        let mut tx = self.0.db.begin().await?;
        for unused in clients::list_unused(&mut tx, visit.now - UNUSED_FOR).await? {
            clients::delete(&mut tx, &unused.id).await?;
        }
        if clients::count(&mut tx, Some(true)).await? >= BY_THEMSELVES_MAX {
            return Err(Error::Busy.into());
        }
        clients::insert(&mut tx, &client).await?;
        if let Some(workspace) = workspace {
            let entry = NewEntry::during(visit, workspace, "identity.client-registered")
                .target(&client.id)
                .detail(shown(&client));
            self.write_down(&mut tx, entry).await?;
        }
        tx.commit().await?;
        Ok((client, secret))
    }

    /// Some of the installation's clients, the newest first, and how many there are.
    pub(crate) async fn list_clients(
        &self,
        _: &Allow<ReadClients>,
        by_itself: Option<bool>,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<Client>, u64), Error> {
        let mut tx = self.0.db.read().await?;
        let total = clients::count(&mut tx, by_itself).await?;
        Ok((clients::list(&mut tx, by_itself, limit, offset).await?, total))
    }

    pub(crate) async fn get_client(&self, _: &Allow<ReadClients>, id: &str) -> Result<Client, Error> {
        let mut tx = self.0.db.read().await?;
        clients::find(&mut tx, id).await?.ok_or_else(|| not_found(id))
    }

    pub(crate) async fn create_client(
        &self,
        allow: &Allow<WriteClients>,
        new: NewClient,
    ) -> Result<(Client, Option<KeyText>), Error> {
        let (client, secret) = self.new_client(new, false, allow.now)?;
        let mut tx = self.0.db.begin().await?;
        clients::insert(&mut tx, &client).await?;
        let entry = NewEntry::by(allow, "identity.client-created").target(&client.id).detail(shown(&client));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        Ok((client, secret))
    }

    /// One that is disabled loses what it holds.
    pub(crate) async fn update_client(
        &self,
        allow: &Allow<WriteClients>,
        id: &str,
        change: ClientChange,
    ) -> Result<Client, Error> {
        let mut tx = self.0.db.begin().await?;
        let before = clients::find(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
        let mut after = before.clone();
        if let Some(name) = change.name {
            after.name = client_name(&name)?;
        }
        after.redirect_uris = change.redirect_uris.unwrap_or(after.redirect_uris);
        after.logout_uris = change.logout_uris.unwrap_or(after.logout_uris);
        if let Some(scopes) = change.scopes {
            after.scopes = self.client_scopes(scopes)?;
        }
        if let Some(types) = change.grant_types {
            after.grant_types = grant_types(types)?;
        }
        if let Some(algorithm) = change.id_token_alg {
            after.id_token_alg = algorithm_of(Some(algorithm))?;
        }
        after.uri = change.uri.unwrap_or(after.uri);
        after.logo_uri = change.logo_uri.unwrap_or(after.logo_uri);
        after.is_active = change.is_active.unwrap_or(after.is_active);
        after.updated_at = allow.now;
        check_uris(&after)?;
        clients::save(&mut tx, &after).await?;
        if !after.is_active || after.scopes != before.scopes {
            clients::end_sessions(&mut tx, id, None, "client changed", allow.now).await?;
        }
        let entry = NewEntry::by(allow, "identity.client-updated")
            .target(id)
            .detail(json!({ "before": shown(&before), "after": shown(&after) }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(after)
    }

    /// With all that it holds and all that users agreed to.
    pub(crate) async fn delete_client(&self, allow: &Allow<WriteClients>, id: &str) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        let client = clients::find(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
        if id == CLI {
            return Err(Error::Invalid {
                pointer: "/id",
                reason: "comes with Socle: disable it instead".to_owned(),
            });
        }
        clients::end_sessions(&mut tx, id, None, "client deleted", allow.now).await?;
        clients::delete(&mut tx, id).await?;
        let entry = NewEntry::by(allow, "identity.client-deleted").target(id).detail(shown(&client));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }

    /// A new secret; the one before is refused from now on. A public client becomes one with a secret.
    pub(crate) async fn replace_client_secret(
        &self,
        allow: &Allow<WriteClients>,
        id: &str,
    ) -> Result<KeyText, Error> {
        let text = KeyText::random(KeyKind::Client, &mut rand::rng());
        let mut tx = self.0.db.begin().await?;
        let client = clients::find(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
        let client = Client { secret: Some(text.hash()), updated_at: allow.now, ..client };
        clients::save(&mut tx, &client).await?;
        let entry = NewEntry::by(allow, "identity.client-secret-replaced").target(id);
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(text)
    }

    /// Clients that the caller let in, the last first, and how many there are.
    pub(crate) async fn list_applications(
        &self,
        signed_in: &SignedIn,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<Application>, u64), Error> {
        let mut tx = self.0.db.read().await?;
        let total = clients::count_applications(&mut tx, signed_in.user.id).await?;
        Ok((clients::list_applications(&mut tx, signed_in.user.id, limit, offset).await?, total))
    }

    /// The client is out at once, and must ask again.
    pub(crate) async fn revoke_application(&self, ctx: &Ctx, id: &str) -> Result<(), Error> {
        let user = user(ctx)?;
        let mut tx = self.0.db.begin().await?;
        if !clients::delete_consent(&mut tx, user, id).await? {
            return Err(not_found(id));
        }
        let ended = clients::end_sessions(&mut tx, id, Some(user), "revoked by its user", ctx.now).await?;
        let entry = NewEntry::by(ctx, "identity.client-revoked")
            .target(id)
            .detail(json!({ "sessions_ended": ended }));
        self.write_down(&mut tx, entry).await?;
        tx.commit().await?;
        self.0.live.changed();
        Ok(())
    }

    fn new_client(
        &self,
        new: NewClient,
        by_itself: bool,
        now: kernel::Timestamp,
    ) -> Result<(Client, Option<KeyText>), Error> {
        let secret = new.is_confidential.then(|| KeyText::random(KeyKind::Client, &mut rand::rng()));
        let client = Client {
            id: OAuthClientId::new(now).to_string(),
            name: client_name(&new.name)?,
            secret: secret.as_ref().map(KeyText::hash),
            redirect_uris: new.redirect_uris,
            logout_uris: new.logout_uris,
            scopes: self.client_scopes(new.scopes)?,
            grant_types: grant_types(new.grant_types)?,
            id_token_alg: algorithm_of(new.id_token_alg)?,
            uri: new.uri,
            logo_uri: new.logo_uri,
            by_itself,
            is_active: true,
            created_at: now,
            updated_at: now,
            last_used_at: None,
        };
        check_uris(&client)?;
        Ok((client, secret))
    }

    fn client_scopes(&self, asked: Vec<String>) -> Result<Vec<String>, Error> {
        if asked.is_empty() {
            return Ok(scopes::STANDARD.map(str::to_owned).to_vec());
        }
        let (standard, ours): (Vec<_>, Vec<_>) =
            asked.into_iter().partition(|scope| scopes::STANDARD.contains(&scope.as_str()));
        let mut all = standard;
        all.extend(self.known_scopes(ours)?);
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }
}

/// The client that Socle's own command line is.
pub(crate) const CLI: &str = "socle-cli";

impl ClientCredentials {
    fn secret_text(&self) -> &str {
        self.secret.as_ref().map_or("", |secret| secret.expose().as_str())
    }

    /// A client with a secret must show it; one without has none to show.
    fn fit(&self, client: &Client) -> bool {
        match (&client.secret, &self.secret) {
            (None, None) => true,
            (Some(hash), Some(shown)) => {
                KeyText::parse(KeyKind::Client, shown.expose()).is_some_and(|text| text.hash() == *hash)
            }
            _ => false,
        }
    }
}

fn unknown() -> OAuthError {
    OAuthError::invalid_client("the client is unknown, or its secret is wrong")
}

fn not_found(id: &str) -> Error {
    Error::ClientNotFound(id.chars().take(80).collect())
}

fn client_name(text: &str) -> Result<String, Error> {
    let text = text.trim();
    // What reads from right to left, or is not seen at all, could make one name look like another's.
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let fine = !text.is_empty() && text.chars().count() <= NAME_CHARS_MAX && !text.chars().any(hidden);
    let reason = || format!("must be one line of 1 to {NAME_CHARS_MAX} characters");
    if fine { Ok(text.to_owned()) } else { Err(Error::Invalid { pointer: "/name", reason: reason() }) }
}

fn grant_types(asked: Vec<String>) -> Result<Vec<String>, Error> {
    if asked.is_empty() {
        return Ok(vec![grants::CODE.to_owned(), grants::REFRESH.to_owned()]);
    }
    match asked.iter().find(|name| !grants::OF_CLIENTS.contains(&name.as_str())) {
        Some(unknown) => {
            let shown: String = unknown.chars().take(64).collect();
            Err(Error::Invalid { pointer: "/grant_types", reason: format!("{shown:?} is not offered") })
        }
        None => Ok(asked),
    }
}

fn algorithm_of(asked: Option<String>) -> Result<KeyAlgorithm, Error> {
    // OpenID Connect Core §15.1 makes RS256 the default.
    let Some(asked) = asked else { return Ok(KeyAlgorithm::Rs256) };
    let reason = "must be RS256, ES256 or EdDSA".to_owned();
    KeyAlgorithm::parse(&asked).ok_or(Error::Invalid { pointer: "/id_token_signed_response_alg", reason })
}

fn check_uris(client: &Client) -> Result<(), Error> {
    let fault = |pointer, reason: String| Err(Error::Invalid { pointer, reason });
    for (pointer, uris) in
        [("/redirect_uris", &client.redirect_uris), ("/post_logout_redirect_uris", &client.logout_uris)]
    {
        if uris.len() > URIS_MAX {
            return fault(pointer, format!("are more than {URIS_MAX}"));
        }
        for uri in uris {
            if let Some(reason) = refuse_redirect_uri(uri) {
                let shown: String = uri.chars().take(100).collect();
                return fault(pointer, format!("{shown:?} {reason}"));
            }
        }
    }
    if client.redirect_uris.is_empty() && client.may(grants::CODE) {
        return fault("/redirect_uris", "must hold at least one".to_owned());
    }
    for (pointer, uri) in [("/client_uri", &client.uri), ("/logo_uri", &client.logo_uri)] {
        let fine = |uri: &String| uri.starts_with("https://") && refuse_redirect_uri(uri).is_none();
        if uri.as_ref().is_some_and(|uri| !fine(uri)) {
            return fault(pointer, "must be an https address".to_owned());
        }
    }
    Ok(())
}

/// RFC 7591 §3.2.2.
fn metadata_fault(error: Error) -> OAuthError {
    match error {
        Error::Invalid { pointer: "/redirect_uris", reason } => {
            OAuthError::Fault { code: "invalid_redirect_uri", description: reason }
        }
        Error::Invalid { pointer, reason } => OAuthError::Fault {
            code: "invalid_client_metadata",
            description: format!("{}: {reason}", pointer.trim_start_matches('/')),
        },
        other => other.into(),
    }
}

/// What the audit log says of a client.
fn shown(client: &Client) -> Value {
    json!({
        "name": client.name,
        "redirect_uris": client.redirect_uris,
        "scopes": client.scopes,
        "grant_types": client.grant_types,
        "confidential": client.is_confidential(),
        "by_itself": client.by_itself,
        "is_active": client.is_active,
    })
}
