use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use identity::{Config, Signing};
use serde_json::{Value, json};
use testkit::{App, Client, Modules, TestConfig, engines, eventually};

use crate::{bearer, log_in, text};

const PASSWORD: &str = "a sound pass phrase 41";

/// Runs a test on each engine with these settings.
pub(crate) async fn with_config(config: Config, test: impl AsyncFn(&App, &Client)) {
    for engine in engines() {
        let config = TestConfig { identity: config.clone(), ..TestConfig::default() };
        let app = App::start_with(&engine, Modules::NONE, config).await;
        let admin = app.admin().await;
        test(&app, &admin).await;
        app.stop().await;
    }
}

pub(crate) fn signing(signing: Signing) -> Config {
    Config { signing, ..Config::default() }
}

pub(crate) fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).expect("a token has three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

async fn key_set(app: &App) -> Vec<Value> {
    let answer = app.stranger().get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
    answer.json()["keys"].as_array().unwrap().clone()
}

/// An access token, fresh.
async fn token(app: &App) -> String {
    let pair = log_in(&app.stranger(), "admin@example.org", PASSWORD).await.expect(200).json();
    text(&pair["access_token"])
}

#[tokio::test(flavor = "multi_thread")]
async fn each_algorithm_signs_what_the_public_key_set_verifies() {
    for (chosen, name, kty) in
        [(Signing::Rsa, "RS256", "RSA"), (Signing::P256, "ES256", "EC"), (Signing::Ed25519, "EdDSA", "OKP")]
    {
        with_config(signing(chosen), async |app, admin| {
            let token = admin.token.clone().unwrap();
            let header = part(&token, 0);
            let keys = key_set(app).await;
            assert_eq!(keys.len(), 1, "{keys:?}");
            assert_eq!(header, json!({"typ": "at+jwt", "alg": name, "kid": keys[0]["kid"]}));
            assert_eq!(
                (&keys[0]["kty"], &keys[0]["alg"], &keys[0]["use"]),
                (&json!(kty), &json!(name), &json!("sig"))
            );
            for private in ["d", "p", "q", "k"] {
                assert!(keys[0].get(private).is_none(), "{private}");
            }
            let claims = part(&token, 1);
            assert_eq!((&claims["iss"], &claims["client_id"]), (&json!(app.base), &json!("socle")));
            assert_eq!((&claims["auth_time"], &claims["amr"]), (&claims["iat"], &json!(["pwd"])));
            admin.get("/api/v1/users").await.expect(200);
            // Refreshed tokens too.
            let pair = log_in(&app.stranger(), "admin@example.org", PASSWORD).await.expect(200).json();
            let next = json!({"refresh_token": pair["refresh_token"]});
            let next = app.stranger().post("/api/v1/auth/refresh", next).await.expect(200).json();
            bearer(app, &next["access_token"]).get("/api/v1/users").await.expect(200);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_ends_no_token_and_a_revocation_all() {
    with_config(signing(Signing::P256), async |app, admin| {
        let first = key_set(app).await[0]["kid"].clone();
        let keys = admin.post("/api/v1/signing-keys/rotate", json!({})).await.expect(200).json();
        let states: Vec<_> =
            keys["items"].as_array().unwrap().iter().map(|key| text(&key["state"])).collect();
        assert_eq!(states, ["signing", "next"]);
        assert_eq!(key_set(app).await.len(), 2, "published before use");
        assert_eq!(part(&token(app).await, 0)["kid"], first, "not used yet");
        app.clock.advance(Duration::from_secs(300));
        let between = token(app).await;
        assert_ne!(part(&between, 0)["kid"], first);
        admin.get("/api/v1/users").await.expect(200);
        assert_eq!(key_set(app).await.len(), 2);
        // The older key leaves the set when its last token has expired.
        app.clock.advance(Duration::from_secs(961));
        assert_eq!(key_set(app).await.len(), 1);

        let fresh = Client { token: Some(token(app).await), ..app.stranger() };
        fresh.get("/api/v1/users").await.expect(200);
        fresh.post("/api/v1/signing-keys/rotate", json!({"revoke": true})).await.expect(200);
        assert_eq!(fresh.get("/api/v1/users").await.expect(401).error(), "identity.token-refused");
        let fresh = Client { token: Some(token(app).await), ..app.stranger() };
        fresh.get("/api/v1/users").await.expect(200);
        let audit = fresh.get("/api/v1/audit?action=identity.signing-keys-rotated").await.expect(200).json();
        assert_eq!(audit["items"].as_array().unwrap().len(), 2, "{audit}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_by_schedule_published_a_day_ahead() {
    let config = Config { key_rotation_days: 2, ..signing(Signing::Ed25519) };
    with_config(config, async |app, _| {
        let first = part(&token(app).await, 0)["kid"].clone();
        let day = Duration::from_secs(24 * 3_600);
        app.clock.advance(day - Duration::from_secs(10));
        token(app).await;
        assert_eq!(key_set(app).await.len(), 1, "not due");
        app.clock.advance(Duration::from_secs(10));
        assert_eq!(part(&token(app).await, 0)["kid"], first);
        let both = eventually("the next key is published", async || {
            Some(key_set(app).await).filter(|keys| keys.len() == 2)
        })
        .await;
        let next = both.iter().map(|key| key["kid"].clone()).find(|kid| *kid != first).unwrap();
        assert_eq!(part(&token(app).await, 0)["kid"], first, "a day for readers");
        app.clock.advance(day);
        assert_eq!(part(&token(app).await, 0)["kid"], next);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_knows_the_keys_and_a_change_of_algorithm_ends_nobody() {
    with_config(signing(Signing::P256), async |app, admin| {
        let before = admin.token.clone().unwrap();
        // The same installation, as it is started anew with another setting.
        let secret = std::fs::read_to_string(app.data.join("secrets/identity.key")).unwrap();
        for other in [Signing::Secret, Signing::Ed25519] {
            let config = Config {
                secret: kernel::Secret::new(secret.trim().to_owned()),
                issuer: app.base.clone(),
                ..signing(other)
            };
            let node = Node::beside(app, config).await;
            Client { token: Some(before.clone()), ..node.stranger() }.get("/api/v1/users").await.expect(200);
            let pair = log_in(&node.stranger(), "admin@example.org", PASSWORD).await.expect(200).json();
            // What the other made a moment ago is looked up here.
            app.clock.advance(Duration::from_secs(6));
            bearer(app, &pair["access_token"]).get("/api/v1/users").await.expect(200);
        }
    })
    .await;
}

/// A second server on the database of the first.
struct Node {
    base: String,
}

impl Node {
    async fn beside(app: &App, config: Config) -> Self {
        let (identity, parts) = identity::build(&app.platform, config, &[]).expect("identity is built");
        let assembled = platform::assemble(
            &app.platform,
            &platform::HttpConfig::default(),
            identity.authenticator(),
            vec![parts],
            Vec::new(),
            axum::Router::new(),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let service = assembled.router.into_make_service_with_connect_info::<std::net::SocketAddr>();
        let stop = app.platform.spawner.token();
        app.platform.spawner.spawn("second node", async move {
            tokio::select! {
                outcome = axum::serve(listener, service) => drop(outcome),
                () = stop.cancelled() => {}
            }
        });
        Self { base }
    }

    fn stranger(&self) -> Client {
        Client::new(&self.base)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_for_those_who_keep_the_installation() {
    with_config(signing(Signing::P256), async |app, admin| {
        let keys = admin.get("/api/v1/signing-keys").await.expect(200).json();
        assert_eq!(keys["total"], 1);
        assert!(!keys.to_string().contains("\"d\""), "{keys}");
        let member = app.member("user").await;
        member.get("/api/v1/signing-keys").await.expect(403);
        member.post("/api/v1/signing-keys/rotate", json!({})).await.expect(403);
        app.stranger().get("/api/v1/signing-keys").await.expect(401);
        // The private part is closed in the database.
        let mut tx = app.platform.db.read().await.unwrap();
        let row = &tx.query("SELECT * FROM identity_signing_keys").rows().await.unwrap()[0];
        let private: Vec<u8> = row.get("private_key").unwrap();
        assert!(private.len() > 24 + 16 + 32 && !private.windows(2).any(|pair| pair == [0x30, 0x81]));
    })
    .await;
}
