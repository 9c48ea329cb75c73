//! What an attacker sends in place of an access token that a key pair signed. The list for the installation's secret is in
//! `jwt.rs`.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use hmac::{Hmac, Mac as _};
use identity::Signing;
use p256::{
    ecdsa::{Signature, SigningKey, signature::Signer as _},
    pkcs8::{DecodePrivateKey as _, EncodePublicKey as _},
};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use testkit::{App, Client};

use crate::{
    log_in,
    signing::{part, signing, with_config},
    text,
};

fn encode(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("HMAC takes any key");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// The server's own key, as somebody with the database and the installation's secret would get it: what it signs is
/// refused for its content alone.
async fn stolen_key(app: &App) -> SigningKey {
    let secret = std::fs::read_to_string(app.data.join("secrets/identity.key")).expect("it is there");
    let sealing = mac(secret.trim().as_bytes(), b"socle sealed secrets");
    let mut tx = app.platform.db.read().await.unwrap();
    let row = &tx.query("SELECT id, private_key FROM identity_signing_keys").rows().await.unwrap()[0];
    let (id, sealed): (String, Vec<u8>) = (row.get("id").unwrap(), row.get("private_key").unwrap());
    let nonce: [u8; 24] = sealed[..24].try_into().unwrap();
    let cipher = XChaCha20Poly1305::new(sealing.as_slice().try_into().unwrap());
    let purpose = format!("signing-key:{id}");
    let payload = Payload { msg: &sealed[24..], aad: purpose.as_bytes() };
    SigningKey::from_pkcs8_der(&cipher.decrypt(&XNonce::from(nonce), payload).unwrap()).unwrap()
}

fn signed(key: &SigningKey, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature: Signature = key.sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

async fn refused(app: &App, token: &str, what: &str) {
    let caller = Client { token: Some(token.to_owned()), ..app.stranger() };
    let answer = caller.get("/api/v1/auth/me").await;
    assert_eq!(answer.status, 401, "{what}: {}", answer.text());
    assert_eq!(caller.get("/api/v1/users").await.status, 401, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_attack_list_is_refused_for_key_pairs_too() {
    with_config(signing(Signing::P256), async |app, admin| {
        let token = admin.token.clone().unwrap();
        let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
            panic!("{token}")
        };
        let (head, claims) = (part(&token, 0), part(&token, 1));
        let kid = text(&head["kid"]);
        let key = stolen_key(app).await;
        let plain = format!(r#"{{"typ":"at+jwt","alg":"ES256","kid":"{kid}"}}"#);
        assert_eq!(encode(&plain), header);
        let fine = signed(&key, &plain, &claims.to_string());
        Client { token: Some(fine), ..app.stranger() }.get("/api/v1/auth/me").await.expect(200);

        // The public key as the secret of an HMAC, in each form in which one finds it.
        let set = app.stranger().get("/.well-known/jwks.json").await.expect(200);
        let jwk = set.json()["keys"][0].clone();
        let public = key.verifying_key();
        let der = public.to_public_key_der().unwrap().as_bytes().to_vec();
        let pem = public.to_public_key_pem(p256::pkcs8::LineEnding::LF).unwrap();
        let secrets = [
            der.clone(),
            pem.trim().as_bytes().to_vec(),
            pem.into_bytes(),
            jwk.to_string().into_bytes(),
            text(&jwk["x"]).into_bytes(),
            URL_SAFE_NO_PAD.decode(text(&jwk["x"])).unwrap(),
            kid.clone().into_bytes(),
            Vec::new(),
        ];
        for header in [
            json!({"typ": "at+jwt", "alg": "HS256", "kid": kid}),
            json!({"typ": "at+jwt", "alg": "HS256"}),
            json!({"typ": "at+jwt", "alg": "ES256", "kid": kid}),
        ] {
            for secret in &secrets {
                let message = format!("{}.{payload}", encode(&header.to_string()));
                let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac(secret, message.as_bytes())));
                refused(app, &forged, &format!("{header} by the public key")).await;
            }
        }

        let own = SigningKey::random(&mut rsa::rand_core::OsRng);
        refused(app, &signed(&own, &plain, &claims.to_string()), "another's key").await;
        let own_jwk: Value = serde_json::from_str(&own_jwk(&own)).unwrap();
        for extra in [
            json!({"jwk": own_jwk}),
            json!({"jku": "https://example.org/jwks"}),
            json!({"x5u": "https://example.org/cert"}),
            json!({"x5c": ["AAAA"]}),
            json!({"crit": ["exp"]}),
            json!({"b64": false, "crit": ["b64"]}),
            json!({"zip": "DEF"}),
            json!({"alg": "none"}),
            json!({"alg": "None"}),
            json!({"alg": "ES384"}),
            json!({"alg": "RS256"}),
            json!({"alg": "EdDSA"}),
            json!({"typ": "JWT"}),
            json!({"typ": "logout+jwt"}),
            json!({"typ": null}),
            json!({"kid": null}),
            json!({"kid": ""}),
            json!({"kid": "../../../../dev/null"}),
            json!({"kid": "/proc/sys/kernel/randomize_va_space"}),
            json!({"kid": "x' UNION SELECT 'AA' --"}),
            json!({"kid": "| sleep 10"}),
            json!({"kid": [kid]}),
            json!({"kid": "A".repeat(43)}),
        ] {
            let mut changed = head.clone();
            for (name, value) in extra.as_object().unwrap() {
                changed[name] = value.clone();
            }
            for signer in [&key, &own] {
                refused(
                    app,
                    &signed(signer, &changed.to_string(), &claims.to_string()),
                    &changed.to_string(),
                )
                .await;
            }
            refused(app, &format!("{}.{payload}.", encode(&changed.to_string())), "no signature").await;
        }
        for doubled in [
            format!(r#"{{"typ":"at+jwt","alg":"none","alg":"ES256","kid":"{kid}"}}"#),
            format!(r#"{{"typ":"at+jwt","alg":"ES256","kid":"x","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{kid}"}}"#),
            format!(r#"{{ "typ":"at+jwt","alg":"ES256","kid":"{kid}"}}"#),
        ] {
            refused(app, &signed(&key, &doubled, &claims.to_string()), &doubled).await;
        }

        let zeros = URL_SAFE_NO_PAD.encode([0; 64]);
        for (forged, what) in [
            (format!("{header}.{payload}."), "empty signature"),
            (format!("{header}.{payload}"), "no signature"),
            (format!("{header}.{payload}.{zeros}"), "r = s = 0 (CVE-2022-21449)"),
            (format!("{header}.{payload}.{signature}AA"), "longer signature"),
            (format!("{header}.{payload}.{signature}.{signature}"), "four parts"),
            (format!("{header}..{signature}"), "no claims"),
            (format!("{header}.{}.{signature}", encode("{}")), "other claims"),
        ] {
            refused(app, &forged, what).await;
        }

        let now = claims["iat"].as_i64().unwrap();
        for (name, value) in [
            ("iss", json!("https://another.example")),
            ("iss", json!(["https://another.example", app.base])),
            ("iss", Value::Null),
            ("aud", json!("another")),
            ("aud", json!(["socle", "another"])),
            ("aud", json!(format!("{}.evil.example", app.base))),
            ("exp", json!(now)),
            ("exp", json!((now + 900).to_string())),
            ("exp", json!(1e300)),
            ("exp", Value::Null),
            ("nbf", json!(now + 60)),
            ("sid", json!("ses_00000000000000000000000001")),
            ("sub", json!("usr_00000000000000000000000001")),
            ("ws", json!("ws_00000000000000000000000001")),
        ] {
            let mut changed = claims.clone();
            changed[name] = value.clone();
            refused(app, &signed(&key, &plain, &changed.to_string()), &format!("{name} = {value}")).await;
        }
        let doubled = claims.to_string().replacen('{', &format!("{{\"exp\":{},", now + 9_999), 1);
        refused(app, &signed(&key, &plain, &doubled), "doubled exp").await;

        // Another workspace's token is for that one alone: there it works, here its bearer is nobody.
        let elsewhere = app.admin_elsewhere().await;
        let theirs = part(elsewhere.token.as_deref().unwrap(), 1);
        let mut moved = theirs.clone();
        moved["ws"] = claims["ws"].clone();
        refused(app, &signed(&key, &plain, &moved.to_string()), "another workspace's token").await;
    })
    .await;
}

fn own_jwk(key: &SigningKey) -> String {
    p256::PublicKey::from(key.verifying_key()).to_jwk_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_out_of_use_signs_nothing_that_counts() {
    with_config(signing(Signing::P256), async |app, admin| {
        let token = admin.token.clone().unwrap();
        let (head, claims) = (part(&token, 0), part(&token, 1));
        let key = stolen_key(app).await;
        admin.post("/api/v1/signing-keys/rotate", json!({})).await.expect(200);
        // The new key signs after five minutes, the older one verifies for as long as its last token lives.
        app.clock.advance(std::time::Duration::from_secs(300 + 900 + 61));
        let pair =
            log_in(&app.stranger(), "admin@example.org", "a sound pass phrase 41").await.expect(200).json();
        let mut fresh = part(&text(&pair["access_token"]), 1);
        let current = part(&text(&pair["access_token"]), 0);
        assert_ne!(current["kid"], head["kid"]);
        refused(app, &signed(&key, &ordered(&head), &fresh.to_string()), "a key rotated out").await;
        refused(app, &signed(&key, &ordered(&current), &fresh.to_string()), "under the new key's name").await;
        fresh["sid"] = claims["sid"].clone();
        refused(app, &signed(&key, &ordered(&head), &fresh.to_string()), "an older session").await;
    })
    .await;
}

/// A header as the server writes it.
fn ordered(header: &Value) -> String {
    format!(r#"{{"typ":{},"alg":{},"kid":{}}}"#, header["typ"], header["alg"], header["kid"])
}

#[tokio::test(flavor = "multi_thread")]
async fn api_keys_are_not_guessed() {
    crate::with_admin(async |app, admin| {
        let made = admin.post("/api/v1/auth/api-keys", json!({"name": "x"})).await.expect(201).json();
        let key = text(&made["key"]);
        let junk = [
            "socle_".to_owned(),
            key[..key.len() - 1].to_owned(),
            format!("{key}x"),
            key.to_uppercase(),
            key.replacen("socle_", "SOCLE_", 1),
            key.replacen("socle_", "", 1),
            key.replacen("socle_", "soclesec_", 1),
            format!("{} ", key.replacen('_', "_ ", 1)),
            format!("{}' OR '1'='1", text(&made["prefix"])),
            text(&made["id"]),
            text(&made["prefix"]),
            format!("socle_{}", "A".repeat(49)),
            format!("socle_{}", "é".repeat(20)),
        ];
        for guess in &junk {
            let stranger = app.stranger();
            let bytes = reqwest::header::HeaderValue::from_bytes(guess.as_bytes()).unwrap();
            let by_header =
                stranger.request(Method::GET, "/api/v1/auth/me").header("x-api-key", bytes.clone());
            stranger.finish(guess, by_header).await.expect(401);
            let mut bearer = b"Bearer ".to_vec();
            bearer.extend_from_slice(guess.as_bytes());
            let bearer = reqwest::header::HeaderValue::from_bytes(&bearer).unwrap();
            let by_bearer = stranger.request(Method::GET, "/api/v1/users").header("authorization", bearer);
            let answer = stranger.finish(guess, by_bearer).await.expect(401);
            let challenge = answer.headers["www-authenticate"].to_str().unwrap().to_owned();
            assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
            // What cannot be one of ours costs the database nothing.
            assert_eq!(answer.headers[testkit::STATEMENTS], "0", "{guess}");
        }
        // A key shown as a cookie, as a refresh token or in the query is none.
        let stranger = app.stranger();
        let cookie =
            stranger.request(Method::GET, "/api/v1/auth/me").header("cookie", format!("socle_session={key}"));
        stranger.finish("cookie", cookie).await.expect(401);
        stranger.post("/api/v1/auth/refresh", json!({"refresh_token": key})).await.expect(401);
        stranger.get(&format!("/api/v1/users?access_token={key}")).await.expect(401);
    })
    .await;
}

/// RFC 7515 appendix A.1 to A.4 and RFC 7519 §3.1, through the library and the calls that we verify with.
#[test]
fn the_standards_own_examples_verify() {
    use jsonwebtoken::{Algorithm, DecodingKey, crypto::verify};
    let payload =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let check =
        |header: &str, payload: &str, signature: &str, key: &DecodingKey, algorithm, expected: bool| {
            let message = format!("{header}.{payload}");
            let found = verify(signature, message.as_bytes(), key, algorithm).unwrap_or(false);
            assert_eq!(found, expected, "{algorithm:?}");
        };
    let other = encode("{}");
    let key = URL_SAFE_NO_PAD
        .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
        .unwrap();
    let (key, signature) = (DecodingKey::from_secret(&key), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let header = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9";
    check(header, payload, signature, &key, Algorithm::HS256, true);
    check(header, &other, signature, &key, Algorithm::HS256, false);

    let key = DecodingKey::from_rsa_components(
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        "AQAB",
    )
    .unwrap();
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    check("eyJhbGciOiJSUzI1NiJ9", payload, signature, &key, Algorithm::RS256, true);
    check("eyJhbGciOiJSUzI1NiJ9", &other, signature, &key, Algorithm::RS256, false);

    let key = DecodingKey::from_ec_components(
        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    )
    .unwrap();
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    check("eyJhbGciOiJFUzI1NiJ9", payload, signature, &key, Algorithm::ES256, true);
    check("eyJhbGciOiJFUzI1NiJ9", &other, signature, &key, Algorithm::ES256, false);
}
