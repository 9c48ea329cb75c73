//! A small OpenID provider whose answers a test can bend.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use identity::ProviderConfig;
use kernel::Secret;
use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testkit::{Answer, App, Client};
use url::Url;

pub(crate) const CLIENT: &str = "socle";
const SECRET: &str = "a secret of the client, 32 bytes or more";

#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) base: String,
    state: Arc<Mutex<Inner>>,
}

struct Inner {
    key: SigningKey,
    kid: String,
    /// Code to the PKCE challenge and the ID token.
    codes: HashMap<String, (String, String)>,
    /// Laid over the discovery document.
    discovery: Value,
    userinfo: Value,
    /// How often discovery was read.
    read: u32,
}

/// How an ID token is signed.
#[derive(Clone, Copy)]
pub(crate) enum Signed {
    Well,
    /// `alg: none`.
    Not,
    /// HS256 with the client's secret.
    ByOurSecret,
    /// By a key that the provider does not publish, under its name.
    ByAnother,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(Inner {
            key: key(),
            kid: "one".to_owned(),
            codes: HashMap::new(),
            discovery: json!({}),
            userinfo: Value::Null,
            read: 0,
        }));
        let fake = Self { base, state };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state(fake.clone());
        // Ends with the test's runtime.
        #[expect(clippy::disallowed_methods, reason = "not Socle's own")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    /// As the settings of Socle name it.
    pub(crate) fn config(&self) -> ProviderConfig {
        ProviderConfig {
            id: "corp".to_owned(),
            name: "Corporation".to_owned(),
            issuer: self.base.clone(),
            client_id: CLIENT.to_owned(),
            client_secret: Secret::new(SECRET.to_owned()),
            allow_private: true,
            ..ProviderConfig::default()
        }
    }

    pub(crate) fn discovery(&self, more: Value) {
        self.state.lock().unwrap().discovery = more;
    }

    pub(crate) fn userinfo(&self, claims: Value) {
        self.state.lock().unwrap().userinfo = claims;
    }

    pub(crate) fn read(&self) -> u32 {
        self.state.lock().unwrap().read
    }

    /// Another key under another name from now on.
    pub(crate) fn rotate(&self) {
        let mut state = self.state.lock().unwrap();
        state.key = key();
        state.kid = format!("{}-next", state.kid);
    }

    /// What a user of this provider brings back: a code for an ID token with these claims.
    pub(crate) fn code(&self, departure: &Departed, claims: &Value, signed: Signed) -> String {
        let mut state = self.state.lock().unwrap();
        let code = format!("code-{}", state.codes.len());
        let kid = state.kid.clone();
        let sign = |alg: &str| {
            let head = URL_SAFE_NO_PAD.encode(json!({"alg": alg, "kid": kid, "typ": "JWT"}).to_string());
            format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()))
        };
        let by = |key: &SigningKey| {
            let text = sign("ES256");
            let signature: Signature = key.sign(text.as_bytes());
            format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
        };
        let id_token = match signed {
            Signed::Well => by(&state.key),
            Signed::ByAnother => by(&key()),
            Signed::Not => format!("{}.", sign("none")),
            Signed::ByOurSecret => {
                let text = sign("HS256");
                let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
                mac.update(text.as_bytes());
                format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
            }
        };
        state.codes.insert(code.clone(), (departure.param("code_challenge"), id_token));
        code
    }

    /// The claims of somebody, for this departure.
    pub(crate) fn claims(&self, app: &App, departure: &Departed, subject: &str, email: &str) -> Value {
        let now = kernel::Clock::now(&*app.clock).as_second();
        json!({
            "iss": self.base, "aud": CLIENT, "sub": subject, "nonce": departure.param("nonce"),
            "iat": now, "exp": now + 300, "email": email, "email_verified": true,
            "given_name": "Grace", "family_name": "Hopper",
        })
    }
}

fn key() -> SigningKey {
    let mut bytes = [0; 32];
    rand::RngCore::fill_bytes(&mut rand::rng(), &mut bytes);
    bytes[0] = 1;
    SigningKey::from_slice(&bytes).expect("a scalar below the order")
}

async fn discovery(State(fake): State<Fake>) -> Json<Value> {
    let mut state = fake.state.lock().unwrap();
    state.read += 1;
    let base = &fake.base;
    let mut document = json!({
        "issuer": base, "authorization_endpoint": format!("{base}/authorize"), "token_endpoint": format!("{base}/token"),
        "userinfo_endpoint": format!("{base}/userinfo"), "jwks_uri": format!("{base}/jwks"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
    });
    for (name, value) in state.discovery.as_object().unwrap() {
        document[name] = value.clone();
    }
    Json(document)
}

async fn jwks(State(fake): State<Fake>) -> Json<Value> {
    let state = fake.state.lock().unwrap();
    let point = state.key.verifying_key().to_encoded_point(false);
    let part = |bytes: Option<&p256::FieldBytes>| URL_SAFE_NO_PAD.encode(bytes.unwrap());
    Json(json!({"keys": [{
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": state.kid,
        "x": part(point.x()), "y": part(point.y()),
    }]}))
}

/// Codes work once, for who holds the verifier and the client's secret.
async fn token(
    State(fake): State<Fake>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> (StatusCode, Json<Value>) {
    let refused = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": error})));
    let secret: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{CLIENT}:{secret}"));
    if headers.get("authorization").is_none_or(|value| value != &format!("Basic {basic}")) {
        return refused("invalid_client");
    }
    let found = fake.state.lock().unwrap().codes.remove(&form["code"]);
    let Some((challenge, id_token)) = found else { return refused("invalid_grant") };
    if URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"])) != challenge {
        return refused("invalid_grant");
    }
    let body =
        json!({"access_token": "opaque", "token_type": "Bearer", "expires_in": 60, "id_token": id_token});
    (StatusCode::OK, Json(body))
}

async fn userinfo(State(fake): State<Fake>) -> Json<Value> {
    Json(fake.state.lock().unwrap().userinfo.clone())
}

/// A browser on its way.
pub(crate) struct Departed {
    pub(crate) url: Url,
    pub(crate) cookie: String,
}

impl Departed {
    pub(crate) fn param(&self, name: &str) -> String {
        let found = self.url.query_pairs().find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_else(|| panic!("{name}: {}", self.url))
    }
}

/// One that follows no redirects.
pub(crate) fn browser(app: &App) -> Client {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    Client { http, ..app.stranger() }
}

/// The first of an answer's cookies with this name.
pub(crate) fn cookie(answer: &Answer, name: &str) -> Option<String> {
    let all = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let found =
        all.filter_map(|line| line.split(';').next()?.strip_prefix(&format!("{name}=")).map(str::to_owned));
    found.rev().find(|value| !value.is_empty())
}

/// `GET …/start`.
pub(crate) async fn depart(app: &App, query: &str) -> Departed {
    let answer = browser(app).get(&format!("/api/v1/auth/providers/corp/start{query}")).await.expect(303);
    let line = answer.header("set-cookie");
    for part in ["; HttpOnly", "; SameSite=Lax", "; Path=/api/v1/auth/providers", "; Max-Age=600"] {
        assert!(line.contains(part), "{line}");
    }
    Departed {
        url: Url::parse(answer.header("location")).unwrap(),
        cookie: cookie(&answer, "socle_provider").unwrap(),
    }
}

/// `GET …/callback` with what the provider sends the browser back with.
pub(crate) async fn come_back(app: &App, cookies: &str, query: &[(&str, &str)]) -> Answer {
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let path = format!("/api/v1/auth/providers/corp/callback?{query}");
    let browser = browser(app);
    let request = browser.request(reqwest::Method::GET, &path).header("cookie", cookies);
    browser.finish(&path, request).await
}

/// All of it, for somebody whom the provider knows.
pub(crate) async fn sign_in(app: &App, fake: &Fake, subject: &str, email: &str) -> Answer {
    let departed = depart(app, "").await;
    let claims = fake.claims(app, &departed, subject, email);
    let code = fake.code(&departed, &claims, Signed::Well);
    let cookies = format!("socle_provider={}", departed.cookie);
    come_back(app, &cookies, &[("code", &code), ("state", &departed.param("state"))]).await
}

/// Runs a test on each engine, with the first administrator and this provider there.
pub(crate) async fn with_provider(
    bend: impl Fn(&mut ProviderConfig),
    test: impl AsyncFn(&App, &Client, &Fake),
) {
    for engine in testkit::engines() {
        let fake = Fake::start().await;
        let mut provider = fake.config();
        bend(&mut provider);
        let identity = identity::Config { providers: vec![provider], ..identity::Config::default() };
        let config = testkit::TestConfig { identity, ..testkit::TestConfig::default() };
        let app = App::start_with(&engine, testkit::Modules::NONE, config).await;
        let admin = app.admin().await;
        test(&app, &admin, &fake).await;
        app.stop().await;
    }
}
