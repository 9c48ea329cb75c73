//! What an attacker tries at registration, reset and change of address.

use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, App, Client, TestConfig};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    PASSWORD, bearer, create, log_in,
    registration::{open_to_all, patient, register, registration, verify},
    text,
};

/// What a caller sees of an answer, without what differs from request to request.
fn seen(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json();
    for field in ["request_id", "timestamp"] {
        body.as_object_mut().unwrap().remove(field);
    }
    (answer.status, body)
}

/// One account of each kind that there may be, and none.
async fn every_kind(app: &App, admin: &Client) -> Vec<&'static str> {
    create(admin, "known@example.org", "user").await;
    for (email, change) in
        [("disabled@example.org", Some(json!({"is_active": false}))), ("deleted@example.org", None)]
    {
        let path = format!("/api/v1/users/{}", create(admin, email, "user").await);
        match change {
            Some(change) => drop(admin.patch(&path, change).await.expect(200)),
            None => drop(admin.delete(&path).await.expect(204)),
        }
    }
    register(&app.stranger(), "unconfirmed@example.org", PASSWORD).await.expect(202);
    app.mails().await;
    vec![
        "known@example.org",
        "disabled@example.org",
        "deleted@example.org",
        "unconfirmed@example.org",
        "unknown@example.org",
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_tells_who_has_an_account() {
    open_to_all(patient, async |app, admin| {
        let emails = every_kind(app, admin).await;
        let stranger = app.stranger();
        let mut answers: [Vec<_>; 4] = Default::default();
        for email in emails {
            answers[0].push(seen(&log_in(&stranger, email, "a wrong password").await.expect(401)));
            answers[1].push(seen(&register(&stranger, email, PASSWORD).await.expect(202)));
            for (place, path) in [(2, "forgot"), (3, "verify/resend")] {
                let answer = stranger.post(&format!("/api/v1/auth/{path}"), json!({"email": email})).await;
                answers[place].push(seen(&answer.expect(202)));
            }
        }
        for alike in answers {
            assert!(alike.iter().all(|one| *one == alike[0]), "{alike:#?}");
        }
        // Right passwords too, where the account may not sign in.
        for email in ["disabled@example.org", "deleted@example.org", "unconfirmed@example.org"] {
            let refused = log_in(&stranger, email, PASSWORD).await.expect(401);
            assert_eq!(refused.error(), "identity.bad-credentials");
        }
    })
    .await;
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

/// Requests for known and unknown addresses, one after the other, so that both meet the same load. What the medians are is
/// the machine's affair; that neither is the double of the other is ours. Where the work differs (a hash that is made for one
/// of them only) they are several times apart.
#[tokio::test(flavor = "multi_thread")]
async fn no_answer_takes_longer_for_who_has_an_account() {
    const ROUNDS: usize = 15;
    let many = |config: &mut TestConfig| {
        patient(config);
        config.identity.login_address_max = 10_000;
    };
    open_to_all(many, async |app, admin| {
        for number in 0..ROUNDS {
            create(admin, &format!("known{number}@example.org"), "user").await;
        }
        let stranger = app.stranger();
        for (path, status) in [("login", 401), ("register", 202), ("forgot", 202), ("verify/resend", 202)] {
            let mut times: [Vec<Duration>; 2] = Default::default();
            for number in 0..ROUNDS {
                for (which, whose) in ["known", "unknown"].into_iter().enumerate() {
                    let email = format!("{whose}{number}@example.org");
                    let body = match path {
                        "login" => json!({"email": email, "password": "a wrong password"}),
                        "register" => registration(&email, PASSWORD),
                        _ => json!({"email": email}),
                    };
                    let start = Instant::now();
                    stranger.post(&format!("/api/v1/auth/{path}"), body).await.expect(status);
                    times[which].push(start.elapsed());
                }
                // What was ordered is done before the next pair, so that it slows down neither.
                app.mails().await;
            }
            let [known, unknown] = times.map(median);
            let ratio = known / unknown;
            eprintln!(
                "{path}: {known:.4} s for known, {unknown:.4} s for unknown addresses, ratio {ratio:.2}"
            );
            assert!((0.5..2.0).contains(&ratio), "{path}: {ratio}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_registers_anothers_address_first_gains_nothing() {
    open_to_all(patient, async |app, admin| {
        let stranger = app.stranger();
        let evil = "the attackers phrase";
        register(&stranger, "victim@example.org", evil).await.expect(202);
        app.mails().await;
        register(&stranger, "victim@example.org", PASSWORD).await.expect(202);
        let mails = app.mails_to("victim@example.org").await;
        assert_eq!(mails.len(), 2);
        verify(&stranger, &mails[1].token()).await.expect(204);
        log_in(&stranger, "victim@example.org", evil).await.expect(401);
        log_in(&stranger, "victim@example.org", PASSWORD).await.expect(200);
        // Nor afterwards.
        verify(&stranger, &mails[0].token()).await.expect(410);
        log_in(&stranger, "victim@example.org", evil).await.expect(401);

        // Nobody knows which of two registrations the owner wants sent again: they choose a password.
        for password in [evil, PASSWORD] {
            register(&stranger, "second@example.org", password).await.expect(202);
            app.mails().await;
        }
        stranger.post("/api/v1/auth/verify/resend", json!({"email": "second@example.org"})).await.expect(202);
        let mails = app.mails_to("second@example.org").await;
        assert_eq!(mails[2].template, "set-password");
        let body = json!({"token": mails[2].token(), "new_password": "a phrase of my own"});
        stranger.post("/api/v1/auth/reset", body).await.expect(204);
        for mail in &mails[..2] {
            verify(&stranger, &mail.token()).await.expect(410);
        }
        log_in(&stranger, "second@example.org", evil).await.expect(401);
        log_in(&stranger, "second@example.org", "a phrase of my own").await.expect(200);

        // An administrator who vouches for the address does not vouch for what was registered with it.
        register(&stranger, "third@example.org", evil).await.expect(202);
        let mail = app.mails_to("third@example.org").await.remove(0);
        let listed = admin.get("/api/v1/users?search=third").await.expect(200).json();
        let path = format!("/api/v1/users/{}", text(&listed["items"][0]["id"]));
        admin.patch(&path, json!({"is_verified": true})).await.expect(200);
        verify(&stranger, &mail.token()).await.expect(410);
        log_in(&stranger, "third@example.org", evil).await.expect(401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_works_once_for_its_purpose_and_its_user() {
    open_to_all(patient, async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let stranger = app.stranger();
        let pair = log_in(&stranger, "grace@example.org", PASSWORD).await.expect(200).json();
        let change = json!({"new_email": "new@example.org", "current_password": PASSWORD});
        bearer(app, &pair["access_token"]).post("/api/v1/auth/email", change).await.expect(202);
        stranger.post("/api/v1/auth/forgot", json!({"email": "grace@example.org"})).await.expect(202);
        register(&stranger, "fresh@example.org", PASSWORD).await.expect(202);
        let find = async |to: &str, template: &str| {
            app.mails_to(to).await.iter().find(|mail| mail.template == template).unwrap().token()
        };
        let reset = find("grace@example.org", "reset").await;
        let new = find("new@example.org", "email-change-new").await;
        let fresh = find("fresh@example.org", "verify").await;
        let tries = [
            ("verify", vec![&reset, &new]),
            ("reset", vec![&new, &fresh]),
            ("email/confirm", vec![&reset, &fresh]),
            ("first-run", vec![&reset, &new, &fresh]),
        ];
        for (path, tokens) in tries {
            for token in tokens {
                let body = match path {
                    "reset" => json!({"token": token, "new_password": "another fine phrase"}),
                    "first-run" => json!({"token": token, "email": "x@example.org", "password": PASSWORD}),
                    _ => json!({"token": token}),
                };
                let refused = stranger.post(&format!("/api/v1/auth/{path}"), body).await;
                assert!([409, 410].contains(&refused.status), "{path}: {}", refused.text());
            }
        }
        // It belongs to whom it was sent: nobody else's password changes, and no field says whose it is.
        let named =
            json!({"token": reset, "new_password": "another fine phrase", "email": "admin@example.org"});
        stranger.post("/api/v1/auth/reset", named).await.expect(422);
        let body = json!({"token": reset, "new_password": "another fine phrase"});
        stranger.post("/api/v1/auth/reset", body.clone()).await.expect(204);
        stranger.post("/api/v1/auth/reset", body).await.expect(410);
        app.sign_in("admin@example.org", "a sound pass phrase 41").await;
        log_in(&stranger, "grace@example.org", "another fine phrase").await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_header_leads_a_link_elsewhere() {
    open_to_all(patient, async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let stranger = app.stranger();
        for (path, body) in [
            ("register", registration("new@example.org", PASSWORD)),
            ("forgot", json!({"email": "grace@example.org"})),
            ("verify/resend", json!({"email": "grace@example.org"})),
        ] {
            let request = stranger
                .request(Method::POST, &format!("/api/v1/auth/{path}"))
                .header("host", "evil.example")
                .header("x-forwarded-host", "evil.example")
                .header("x-forwarded-proto", "https")
                .header("forwarded", "host=evil.example;proto=https")
                .header("x-original-host", "evil.example")
                .json(&body);
            stranger.finish(path, request).await.expect(202);
        }
        let mails = app.mails().await;
        let urls: Vec<_> = mails.iter().filter_map(|mail| mail.params["url"].as_str()).collect();
        assert_eq!(urls.len(), 3);
        assert!(urls.iter().all(|url| url.starts_with(&format!("{}/", app.base))), "{urls:?}");
        assert!(mails.iter().all(|mail| !mail.params.to_string().contains("evil")), "{mails:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_themselves_more_than_the_form_has() {
    open_to_all(patient, async |app, admin| {
        let stranger = app.stranger();
        let more = [
            ("role", json!("admin")),
            ("roles", json!(["admin"])),
            ("workspace_id", json!("ws_00000000000000000000000000")),
            ("is_verified", json!(true)),
            ("is_active", json!(true)),
            ("must_verify", json!(false)),
            ("kind", json!("service")),
            ("id", json!("usr_00000000000000000000000000")),
            ("password_hash", json!("x")),
            ("created_at", json!("2026-01-01T00:00:00Z")),
        ];
        let member = app.member("user").await;
        let before = member.get("/api/v1/auth/me").await.expect(200).json();
        for (name, value) in &more {
            let mut body = registration("grace@example.org", PASSWORD);
            body[*name] = value.clone();
            stranger.post("/api/v1/auth/register", body).await.expect(422);
            let mut body = json!({"first_name": "Changed"});
            body[*name] = value.clone();
            member.patch("/api/v1/auth/me", body).await.expect(422);
            if !["role", "is_active", "is_verified"].contains(name) {
                let mut body = json!({"email": "x@example.org", "password": PASSWORD, "role": "user"});
                body[*name] = value.clone();
                admin.post("/api/v1/users", body).await.expect(422);
                let path = format!("/api/v1/users/{}", text(&before["id"]));
                let mut body = json!({"first_name": "Changed"});
                body[*name] = value.clone();
                admin.patch(&path, body).await.expect(422);
            }
        }
        assert_eq!(member.get("/api/v1/auth/me").await.expect(200).json(), before);
        assert!(app.mails().await.is_empty());
        // A member cannot reach for the routes that do have them.
        for path in ["users", "users/usr_00000000000000000000000000/restore"] {
            member.post(&format!("/api/v1/{path}"), json!({})).await.expect(403);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_are_refused_at_their_beginning() {
    open_to_all(patient, async |app, _| {
        for path in ["register", "forgot", "reset", "verify", "verify/resend", "password/strength", "email/confirm"] {
            let mut connection = TcpStream::connect(app.base.trim_start_matches("http://")).await.unwrap();
            let head = format!(
                "POST /api/v1/auth/{path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10485760\r\n\r\n"
            );
            connection.write_all(head.as_bytes()).await.unwrap();
            connection.write_all(&[b'x'; 32 * 1024]).await.unwrap();
            let mut answer = [0; 12];
            let read = connection.read_exact(&mut answer);
            tokio::time::timeout(Duration::from_secs(20), read).await.unwrap().unwrap();
            assert_eq!(&answer, b"HTTP/1.1 413", "{path}");
        }
        // What fits the body and no password is not hashed either.
        let long = register(&app.stranger(), "a@example.org", &"x".repeat(10_000)).await.expect(422);
        assert_eq!(long.json()["errors"][0]["pointer"], "/password");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn look_alikes_are_told_apart_and_equals_are_one() {
    open_to_all(patient, async |app, admin| {
        let stranger = app.stranger();
        register(&stranger, "admin2@example.org", PASSWORD).await.expect(202);
        app.mails().await;
        // One account, however its letters are written: full width, other case.
        for same in ["\u{ff41}dmin2@example.org", "ADMIN2@EXAMPLE.ORG", "admin2\u{ff20}example.org"] {
            let answer = register(&stranger, same, PASSWORD).await;
            assert!([202, 422].contains(&answer.status), "{same}");
        }
        app.mails().await;
        let listed = admin.get("/api/v1/users?is_verified=false").await.expect(200).json();
        assert_eq!(listed["total"], 1, "{listed}");
        // The mail goes where the first one typed it, not to a look-alike.
        assert!(app.mails().await.iter().all(|mail| mail.to == "admin2@example.org"));

        // A Cyrillic letter makes another address: its own account, its own mail, and shown as it was typed.
        let cyrillic = "\u{430}dmin2@example.org";
        register(&stranger, cyrillic, PASSWORD).await.expect(202);
        assert_eq!(app.mails_to(cyrillic).await.len(), 1);
        let listed = admin.get("/api/v1/users?is_verified=false").await.expect(200).json();
        assert_eq!((&listed["total"], &listed["items"][1]["email"]), (&json!(2), &json!(cyrillic)));

        // A domain and its ASCII form are one; a domain of mixed scripts is another.
        register(&stranger, "ada@ex\u{e4}mple.org", PASSWORD).await.expect(202);
        app.mails().await;
        register(&stranger, "ada@xn--exmple-cua.org", PASSWORD).await.expect(202);
        register(&stranger, "ada@ex\u{430}mple.org", PASSWORD).await.expect(202);
        app.mails().await;
        let listed = admin.get("/api/v1/users?search=ada@ex").await.expect(200).json();
        let emails: Vec<_> =
            listed["items"].as_array().unwrap().iter().map(|user| text(&user["email"])).collect();
        assert_eq!(emails, ["ada@ex\u{e4}mple.org", "ada@ex\u{430}mple.org"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_typed_begins_a_header() {
    open_to_all(patient, async |app, admin| {
        let stranger = app.stranger();
        for email in [
            "a@example.org\r\nBcc: all@example.org",
            "a@example.org\nBcc: all@example.org",
            "a\u{0}@example.org",
            "a@example.org\u{2028}x",
            "a@example.org,b@example.org",
            "Ada <a@example.org>",
            "\"a b\"@example.org",
        ] {
            register(&stranger, email, PASSWORD).await.expect(422);
            stranger.post("/api/v1/auth/forgot", json!({"email": email})).await.expect(422);
            stranger.post("/api/v1/auth/verify/resend", json!({"email": email})).await.expect(422);
            let body = json!({"email": email, "send_link": true, "role": "user"});
            admin.post("/api/v1/users", body).await.expect(422);
        }
        assert!(app.mails().await.is_empty());
        // What a stranger calls themselves is not written to an address that is not known to be theirs.
        let mut body = registration("victim@example.org", PASSWORD);
        body["first_name"] = json!("Buy at https://evil.example");
        stranger.post("/api/v1/auth/register", body).await.expect(202);
        let mails = app.mails_to("victim@example.org").await;
        assert!(!mails[0].params.to_string().contains("evil"), "{mails:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_made_up_forwarded_address_opens_no_new_bucket() {
    open_to_all(
        |_| (),
        async |app, _| {
            let stranger = app.stranger();
            for (path, status) in
                [("register", 202), ("forgot", 202), ("verify/resend", 202), ("verify", 410)]
            {
                let mut answers = Vec::new();
                for number in 0..7 {
                    let email = format!("guess{number}@example.org");
                    let body = match path {
                        "register" => registration(&email, PASSWORD),
                        "verify" => json!({"token": "A".repeat(43)}),
                        _ => json!({"email": email}),
                    };
                    let request = stranger
                        .request(Method::POST, &format!("/api/v1/auth/{path}"))
                        .header("x-forwarded-for", format!("198.51.100.{number}"))
                        .header("x-real-ip", format!("198.51.100.{number}"))
                        .header("forwarded", format!("for=198.51.100.{number}"))
                        .json(&body);
                    answers.push(stranger.finish(path, request).await.status);
                }
                assert_eq!(answers[..5], [status; 5], "{path}");
                assert_eq!(answers[5..], [429; 2], "{path}");
            }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_make_one_account() {
    open_to_all(patient, async |app, admin| {
        let stranger = app.stranger();
        let answers = join_all((0..20).map(|_| register(&stranger, "grace@example.org", PASSWORD))).await;
        assert!(answers.iter().all(|answer| answer.status == 202));
        let mails = app.mails_to("grace@example.org").await;
        assert_eq!(mails.len(), 20);
        let listed = admin.get("/api/v1/users?search=grace").await.expect(200).json();
        assert_eq!(listed["total"], 1);
        // One of the links, by twenty at once; then none.
        let token = mails[7].token();
        let answers = join_all((0..20).map(|_| verify(&stranger, &token))).await;
        let count = |status| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!((count(204), count(410)), (1, 19));
        for mail in &mails {
            verify(&stranger, &mail.token()).await.expect(410);
        }
        log_in(&stranger, "grace@example.org", PASSWORD).await.expect(200);
    })
    .await;
}
