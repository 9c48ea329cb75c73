use std::{pin::Pin, time::Duration};

use jiff::SignedDuration;
use kernel::Timestamp;
use openidconnect::{
    AccessTokenHash, AsyncHttpClient, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId,
    ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    TokenResponse as _,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdTokenClaims, CoreJwsSigningAlgorithm,
        CoreProviderMetadata, CoreTokenResponse, CoreUserInfoClaims,
    },
};
use outbound::{Outbound, Upstream};
use tokio::sync::Mutex;
use url::Url;

use crate::config::ProviderConfig;

/// Talks with one provider: its documents are kept for a while, and read again when a key is missing in them.
pub(super) struct Client {
    issuer: IssuerUrl,
    id: ClientId,
    secret: Option<ClientSecret>,
    redirect: RedirectUrl,
    scopes: Vec<Scope>,
    http: Http,
    known: Mutex<Option<Known>>,
}

struct Known {
    metadata: CoreProviderMetadata,
    at: Timestamp,
}

/// What a provider says of who signed in, after everything was checked.
#[derive(Debug, Clone, Default)]
pub(super) struct Claims {
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) email: Option<String>,
    pub(super) email_verified: bool,
    pub(super) first_name: String,
    pub(super) last_name: String,
    /// Authentication methods (RFC 8176).
    pub(super) methods: Vec<String>,
}

/// Where a browser is sent, and what must come back.
pub(super) struct Request {
    pub(super) url: Url,
    pub(super) nonce: String,
    pub(super) verifier: String,
}

type CodeClient = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// How long documents of a provider are believed.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(1);
/// How soon they may be read again because of a key that is not there.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(30);
/// Larger than any document or token of an honest provider.
const BYTES_MAX: u64 = 1024 * 1024;

impl Client {
    pub(super) fn new(config: &ProviderConfig, redirect: &str, outbound: &Outbound) -> anyhow::Result<Self> {
        let secret = config.client_secret.expose();
        Ok(Self {
            issuer: IssuerUrl::new(config.issuer.clone())?,
            id: ClientId::new(config.client_id.clone()),
            secret: (!secret.is_empty()).then(|| ClientSecret::new(secret.clone())),
            redirect: RedirectUrl::new(redirect.to_owned())?,
            scopes: config
                .scopes
                .iter()
                .filter(|scope| *scope != "openid")
                .cloned()
                .map(Scope::new)
                .collect(),
            http: Http::new(config, outbound)?,
            known: Mutex::new(None),
        })
    }

    pub(super) fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    /// Discovery (OpenID Connect Discovery 1.0 §4) and keys; `missed` are documents in which a key was not found.
    async fn metadata(
        &self,
        now: Timestamp,
        missed: Option<Timestamp>,
    ) -> anyhow::Result<(CoreProviderMetadata, Timestamp)> {
        let mut known = self.known.lock().await;
        if let Some(known) = &*known {
            let age = now.duration_since(known.at).abs();
            let is_newer = missed.is_none_or(|missed| known.at > missed || age < AGAIN_AFTER);
            if age < KEPT_FOR && is_newer {
                return Ok((known.metadata.clone(), known.at));
            }
        }
        let metadata = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http).await?;
        *known = Some(Known { metadata: metadata.clone(), at: now });
        Ok((metadata, now))
    }

    fn client(&self, metadata: CoreProviderMetadata) -> CodeClient {
        let by_body = metadata.token_endpoint_auth_methods_supported().is_some_and(|methods| {
            !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
                && methods.contains(&CoreClientAuthMethod::ClientSecretPost)
        });
        let client = CoreClient::from_provider_metadata(metadata, self.id.clone(), self.secret.clone())
            .set_redirect_uri(self.redirect.clone());
        if by_body { client.set_auth_type(AuthType::RequestBody) } else { client }
    }

    pub(super) async fn request(&self, state: &str, now: Timestamp) -> anyhow::Result<Request> {
        let (metadata, _) = self.metadata(now, None).await?;
        let client = self.client(metadata);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = state.to_owned();
        let (url, _, nonce) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                Nonce::new_random,
            )
            .add_scopes(self.scopes.iter().cloned())
            .set_pkce_challenge(challenge)
            .url();
        self.http.same_scheme(&url)?;
        Ok(Request { url, nonce: nonce.secret().clone(), verifier: verifier.into_secret() })
    }

    /// Exchanges the code and believes what was signed for us, for this visit, now.
    pub(super) async fn claims(
        &self,
        code: String,
        verifier: String,
        nonce: String,
        now: Timestamp,
    ) -> anyhow::Result<Claims> {
        let (metadata, read_at) = self.metadata(now, None).await?;
        let client = self.client(metadata);
        let token = client
            .exchange_code(AuthorizationCode::new(code))?
            .set_pkce_verifier(PkceCodeVerifier::new(verifier))
            .request_async(&self.http)
            .await?;
        let nonce = Nonce::new(nonce);
        let claims = match verify(&client, &token, &nonce, now) {
            Err(Fault::Key(fault)) => {
                tracing::info!(issuer = self.issuer.as_str(), %fault, "a provider's keys are read again");
                let (metadata, again_at) = self.metadata(now, Some(read_at)).await?;
                if again_at == read_at {
                    return Err(fault.into());
                }
                verify(&self.client(metadata), &token, &nonce, now).map_err(Fault::into_error)?
            }
            other => other.map_err(Fault::into_error)?,
        };
        let mut told = Claims {
            issuer: claims.issuer().to_string(),
            subject: claims.subject().to_string(),
            email: claims.email().map(|email| email.to_string()),
            email_verified: claims.email_verified().unwrap_or(false),
            first_name: plain(claims.given_name().and_then(|name| name.get(None)).map(|name| name.as_str())),
            last_name: plain(claims.family_name().and_then(|name| name.get(None)).map(|name| name.as_str())),
            methods: claims
                .auth_method_refs()
                .map(|methods| methods.iter().map(|method| method.to_string()).collect())
                .unwrap_or_default(),
        };
        if told.email.is_none() && client.user_info_url().is_some() {
            let asked = client.user_info(token.access_token().clone(), Some(claims.subject().clone()))?;
            let more: CoreUserInfoClaims = asked.request_async(&self.http).await?;
            told.email = more.email().map(|email| email.to_string());
            told.email_verified = more.email_verified().unwrap_or(false);
            told.first_name =
                plain(more.given_name().and_then(|name| name.get(None)).map(|name| name.as_str()));
            told.last_name =
                plain(more.family_name().and_then(|name| name.get(None)).map(|name| name.as_str()));
        }
        Ok(told)
    }
}

fn plain(name: Option<&str>) -> String {
    name.unwrap_or_default().to_owned()
}

/// What is wrong with an ID token.
enum Fault {
    /// Its key is not among those that we know, or does not fit.
    Key(ClaimsVerificationError),
    Other(anyhow::Error),
}

impl Fault {
    fn into_error(self) -> anyhow::Error {
        match self {
            Self::Key(fault) => fault.into(),
            Self::Other(error) => error,
        }
    }
}

/// Only by the provider's own keys: neither `none`, nor our client secret as a key.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

fn verify(
    client: &CodeClient,
    token: &CoreTokenResponse,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<CoreIdTokenClaims, Fault> {
    let other = |error: anyhow::Error| Fault::Other(error);
    let id_token = token.id_token().ok_or_else(|| other(anyhow::anyhow!("there is no ID token")))?;
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let verifier = client
        .id_token_verifier()
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || (std::time::UNIX_EPOCH + Duration::from_secs(seconds)).into());
    let claims = id_token.claims(&verifier, nonce).map_err(|error| match error {
        ClaimsVerificationError::SignatureVerification(_) => Fault::Key(error),
        error => other(error.into()),
    })?;
    if let Some(expected) = claims.access_token_hash() {
        let algorithm = id_token.signing_alg().map_err(|error| other(error.into()))?;
        let key = id_token.signing_key(&verifier).map_err(|error| other(error.into()))?;
        let actual = AccessTokenHash::from_token(token.access_token(), algorithm, key);
        if actual.map_err(|error| other(error.into()))? != *expected {
            return Err(other(anyhow::anyhow!(
                "the access token is not the one that the ID token was made for"
            )));
        }
    }
    Ok(claims.clone())
}

/// Calls to a provider go out as all calls do: addresses checked, time limits, breaker, and no redirects.
struct Http {
    /// The issuer's own host, which the settings may allow to be private.
    own: Upstream,
    /// Whatever else its documents name.
    others: Upstream,
    host: Option<String>,
    is_https: bool,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error(transparent)]
    Outbound(#[from] outbound::Error),
    #[error("the provider names an address without https: {0}")]
    Downgrade(String),
    #[error("the answer could not be read")]
    Answer(#[from] openidconnect::http::Error),
}

impl Http {
    fn new(config: &ProviderConfig, outbound: &Outbound) -> anyhow::Result<Self> {
        let url = Url::parse(&config.issuer)?;
        let upstream = outbound.to("identity.provider").each(&config.id).with(|policy| {
            policy.redirects = false;
            policy.attempts = 2;
            policy.bytes_max = BYTES_MAX;
        });
        let allow_private = config.allow_private;
        Ok(Self {
            own: upstream.clone().with(|policy| policy.private_allowed = allow_private),
            others: upstream,
            host: url.host_str().map(str::to_owned),
            is_https: url.scheme() == "https",
        })
    }

    fn same_scheme(&self, url: &Url) -> Result<(), HttpError> {
        let fine = url.scheme() == "https" || (!self.is_https && url.scheme() == "http");
        if fine { Ok(()) } else { Err(HttpError::Downgrade(url.host_str().unwrap_or_default().to_owned())) }
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|_| outbound::Error::Url(String::new()))?;
        self.same_scheme(&url)?;
        let is_own = url.host_str().map(str::to_owned) == self.host;
        let upstream = if is_own { &self.own } else { &self.others };
        let mut call = upstream.call(parts.method, url.as_str());
        if !body.is_empty() {
            call = call.body("application/x-www-form-urlencoded", body);
        }
        for (name, value) in &parts.headers {
            let mut value = value.clone();
            value.set_sensitive(*name == http::header::AUTHORIZATION);
            call = call.header(name.clone(), value);
        }
        let answer = call.send().await?;
        let mut response = openidconnect::http::Response::builder().status(answer.status);
        for (name, value) in &answer.headers {
            response = response.header(name, value);
        }
        Ok(response.body(answer.body.to_vec())?)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}
