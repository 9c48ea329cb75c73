use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use testkit::{App, Client};

use crate::{log_in, text, with_admin};

const PASSWORD: &str = "a sound pass phrase 41";

fn encode(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

fn signed(app: &App, header: &str, claims: &str) -> String {
    let secret =
        std::fs::read_to_string(app.data.join("secrets/identity.key")).expect("the key is made at the start");
    let message = format!("{}.{}", encode(header), encode(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.trim().as_bytes()).expect("HMAC takes any key");
    mac.update(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

async fn refused(app: &App, token: &str, what: &str) {
    let caller = Client { token: Some(token.to_owned()), ..app.stranger() };
    let answer = caller.get("/api/v1/auth/me").await;
    assert_eq!(answer.status, 401, "{what}: {}", answer.text());
    // A route of another shape, through the other extractor.
    assert_eq!(caller.get("/api/v1/users").await.status, 401, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_attack_list_is_refused() {
    with_admin(async |app, _| {
        let pair = log_in(&app.stranger(), "admin@example.org", PASSWORD).await.expect(200).json();
        let token = text(&pair["access_token"]);
        let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
            panic!("{token}")
        };
        let decoded = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        let (plain_header, claims): (String, Value) =
            (decoded(header), serde_json::from_str(&decoded(payload)).unwrap());
        assert_eq!(
            serde_json::from_str::<Value>(&plain_header).unwrap(),
            json!({"typ": "at+jwt", "alg": "HS256"})
        );
        for name in ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "ws", "roles", "scope"] {
            assert!(!claims[name].is_null(), "{name} is missing: {claims}");
        }
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);

        // What signs below signs well: the refusals are not for a wrong key.
        let ours = signed(app, &plain_header, &claims.to_string());
        Client { token: Some(ours), ..app.stranger() }.get("/api/v1/auth/me").await.expect(200);

        for alg in ["none", "None", "NONE", "nOnE", ""] {
            let header = json!({"typ": "at+jwt", "alg": alg}).to_string();
            refused(app, &format!("{}.{payload}.", encode(&header)), alg).await;
            refused(app, &format!("{}.{payload}.{signature}", encode(&header)), alg).await;
            refused(app, &signed(app, &header, &claims.to_string()), alg).await;
        }
        for header in [
            json!({"typ": "at+jwt", "alg": "RS256"}),
            json!({"typ": "at+jwt", "alg": "ES256"}),
            json!({"typ": "at+jwt", "alg": "HS512"}),
            json!({"typ": "JWT", "alg": "HS256"}),
            json!({"alg": "HS256"}),
            json!({"typ": "at+jwt", "alg": "HS256", "kid": "../../../../dev/null"}),
            json!({"typ": "at+jwt", "alg": "HS256", "kid": "x' OR '1'='1"}),
            json!({"typ": "at+jwt", "alg": "HS256", "jku": "https://example.org/jwks"}),
            json!({"typ": "at+jwt", "alg": "HS256", "x5u": "https://example.org/cert"}),
            json!({"typ": "at+jwt", "alg": "HS256", "jwk": {"kty": "oct", "k": "AA"}}),
            json!({"typ": "at+jwt", "alg": "HS256", "crit": ["exp"]}),
        ] {
            refused(app, &signed(app, &header.to_string(), &claims.to_string()), &header.to_string()).await;
        }
        refused(
            app,
            &signed(app, r#"{"typ":"at+jwt","alg":"none","alg":"HS256"}"#, &claims.to_string()),
            "doubled alg",
        )
        .await;

        refused(app, &format!("{header}.{payload}."), "empty signature").await;
        refused(app, &format!("{header}.{payload}"), "no signature").await;
        refused(app, &format!("{header}..{signature}"), "no claims").await;
        refused(app, &format!("{token}x"), "longer signature").await;
        refused(app, &format!("{token}.{signature}"), "four parts").await;
        refused(app, &"x".repeat(100_000)[..7_000], "long").await;
        refused(app, "..", "dots").await;
        refused(app, &text(&pair["refresh_token"]), "refresh used as access").await;

        let with = |name: &str, value: Value| {
            let mut changed = claims.clone();
            changed[name] = value;
            signed(app, &plain_header, &changed.to_string())
        };
        let now = claims["iat"].as_i64().unwrap();
        let other = "usr_00000000000000000000000001";
        for (name, value) in [
            ("iss", json!("another")),
            ("iss", Value::Null),
            ("aud", json!("another")),
            ("aud", json!(["socle", "another"])),
            ("exp", json!(now - 1)),
            ("exp", json!(now)),
            ("exp", json!((now + 900).to_string())),
            ("exp", json!(f64::MAX)),
            ("exp", Value::Null),
            ("nbf", json!(now + 60)),
            ("sid", json!("ses_00000000000000000000000001")),
            ("sid", json!("' OR 1=1 --")),
            ("sub", json!(other)),
            ("ws", json!("ws_00000000000000000000000001")),
            ("roles", json!("admin")),
        ] {
            refused(app, &with(name, value.clone()), &format!("{name} = {value}")).await;
        }
        let doubled = claims.to_string().replacen('{', &format!("{{\"exp\":{},", now + 9_999), 1);
        refused(app, &signed(app, &plain_header, &doubled), "doubled exp").await;

        // Roles in a token are for others to read: nothing is granted by them.
        let promoted = with("roles", json!(["admin", "root"]));
        Client { token: Some(promoted), ..app.stranger() }.get("/api/v1/auth/me").await.expect(200);

        app.clock.advance(Duration::from_secs(899));
        Client { token: Some(token.clone()), ..app.stranger() }.get("/api/v1/auth/me").await.expect(200);
        app.clock.advance(Duration::from_secs(1));
        refused(app, &token, "expired").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_schemes_and_another_installations_token_are_refused() {
    with_admin(async |app, _| {
        for value in ["Basic YTpi", "Bearer", "bearer ", "Token abc", "\u{e9}"] {
            let stranger = app.stranger();
            let bytes = reqwest::header::HeaderValue::from_bytes(value.as_bytes()).unwrap();
            let request =
                stranger.request(reqwest::Method::GET, "/api/v1/auth/me").header("authorization", bytes);
            stranger.finish(value, request).await.expect(401);
        }
        app.stranger().get("/api/v1/auth/me").await.expect(401);
        let elsewhere = testkit::App::start(&testkit::TestEngine::Sqlite, testkit::Modules::NONE).await;
        let foreign = elsewhere.admin().await;
        foreign.get("/api/v1/auth/me").await.expect(200);
        refused(app, foreign.token.as_deref().unwrap(), "another installation").await;
        elsewhere.stop().await;
    })
    .await;
}
