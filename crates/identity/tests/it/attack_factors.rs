//! What somebody tries who knows the password, or holds a stolen session.

use std::time::Duration;

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::{
    PASSWORD, bearer,
    factors::{answer, audited, challenge, form, mails, next_code, protected},
    log_in, text, with_admin,
};

const LOGIN: &str = "/api/v1/auth/login";
const SESSION: &str = "/api/v1/auth/session";
const ANSWER: &str = "/api/v1/auth/second-factor";
const ANSWER_IN_BROWSER: &str = "/api/v1/auth/session/second-factor";

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_with_one_code_one_gets_in() {
    with_admin(async |app, admin| {
        for round in 0..3 {
            let grace = protected(app, admin, &format!("grace{round}")).await;
            let code = grace.device.code(app);
            let body = json!({"email": grace.email, "password": PASSWORD, "code": code});
            let all = join_all((0..20).map(|_| app.stranger().post_owned(LOGIN, body.clone()))).await;
            let let_in = all.iter().filter(|answer| answer.status == 200).count();
            let statuses: Vec<_> = all.iter().map(|answer| answer.status).collect();
            assert_eq!(let_in, 1, "{statuses:?}");
            assert!(statuses.iter().all(|status| [200, 401, 429].contains(status)), "{statuses:?}");
        }
    })
    .await;
}

/// So that many calls can be under way at once.
trait PostOwned {
    fn post_owned(self, path: &'static str, body: serde_json::Value)
    -> impl Future<Output = testkit::Answer>;
}

impl PostOwned for testkit::Client {
    async fn post_owned(self, path: &'static str, body: serde_json::Value) -> testkit::Answer {
        self.post(path, body).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_with_one_recovery_code_one_gets_in() {
    with_admin(async |app, admin| {
        let grace = protected(app, admin, "grace").await;
        let body = json!({"email": grace.email, "password": PASSWORD, "code": grace.codes[3]});
        let all = join_all((0..20).map(|_| app.stranger().post_owned(LOGIN, body.clone()))).await;
        assert_eq!(all.iter().filter(|answer| answer.status == 200).count(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_was_seen_is_worth_nothing() {
    with_admin(async |app, admin| {
        let grace = protected(app, admin, "grace").await;
        let sign_in = async |code: &str| {
            let body = json!({"email": grace.email, "password": PASSWORD, "code": code});
            app.stranger().post(LOGIN, body).await.status
        };
        let (before, now, after) = (-1, 0, 1);
        let [before, now, after] = [before, now, after].map(|steps| grace.device.code_at(app, steps));
        assert_eq!(sign_in(&now).await, 200);
        assert_eq!(sign_in(&now).await, 401, "the same again");
        assert_eq!(sign_in(&before).await, 401, "an older one, although its time is not over");
        assert_eq!(sign_in(&after).await, 200, "a clock that is ahead");
        next_code(app);
        assert_eq!(sign_in(&after).await, 401, "also when its own time has come");
        // Nor where it was shown for something else.
        app.clock.advance(Duration::from_secs(60));
        let code = grace.device.code(app);
        grace.client.post("/api/v1/auth/confirm", json!({"code": code})).await.expect(204);
        assert_eq!(sign_in(&code).await, 401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn six_digits_are_not_to_be_guessed() {
    with_admin(async |app, admin| {
        let grace = protected(app, admin, "grace").await;
        let right = grace.device.code(app);
        let wrong = if right == "111111" { "222222" } else { "111111" };
        // A challenge takes five answers, then the right one is too late.
        let asked = challenge(app, LOGIN, &grace.email).await;
        for _ in 0..5 {
            assert_eq!(answer(app, ANSWER, &asked, wrong).await.expect(401).error(), "identity.wrong-code");
        }
        answer(app, ANSWER, &asked, &right).await.expect(429);
        app.clock.advance(Duration::from_secs(60));
        let refused = answer(app, ANSWER, &asked, &grace.device.code(app)).await.expect(401);
        assert_eq!(refused.error(), "identity.challenge-refused");
        assert!(mails(app, &grace.email).await.contains(&"Somebody may know your password".to_owned()));
        assert_eq!(audited(admin, "identity.second-factor-failed").await.len(), 5);

        // Patience does not help: of a day's guesses only ten are compared, however many challenges and addresses.
        let mut compared = 5;
        for _ in 0..48 {
            app.clock.advance(Duration::from_secs(300));
            let body = json!({"email": grace.email, "password": PASSWORD, "code": wrong});
            match app.stranger().post(LOGIN, body).await.status {
                401 => compared += 1,
                429 => {}
                other => panic!("{other}"),
            }
        }
        assert!((10..=12).contains(&compared), "{compared} in four hours");
        // The owner is not locked out: a recovery code is no guess.
        let body = json!({"email": grace.email, "password": PASSWORD, "code": grace.codes[0]});
        app.stranger().post(LOGIN, body).await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_good_for_one_account_one_kind_one_time() {
    with_admin(async |app, admin| {
        let grace = protected(app, admin, "grace").await;
        let linus = protected(app, admin, "linus").await;
        let refused = async |path: &str, challenge: &str, code: &str| {
            let refused = answer(app, path, challenge, code).await.expect(401);
            assert_eq!(refused.error(), "identity.challenge-refused", "{path}");
        };
        let of_program = challenge(app, LOGIN, &grace.email).await;
        let of_browser = challenge(app, SESSION, &grace.email).await;
        refused(ANSWER_IN_BROWSER, &of_program, &grace.device.code(app)).await;
        refused(ANSWER, &of_browser, &grace.device.code(app)).await;
        // Another user's code, right as it may be.
        let other = answer(app, ANSWER, &of_program, &linus.device.code(app)).await.expect(401);
        assert_eq!(other.error(), "identity.wrong-code");
        // It is no token of any kind, and no token is one.
        bearer(app, &json!(of_program)).get("/api/v1/auth/me").await.expect(401);
        let reset = json!({"token": of_program, "new_password": "another fine phrase"});
        app.stranger().post("/api/v1/auth/reset", reset).await.expect(410);
        app.stranger().post("/api/v1/auth/refresh", json!({"refresh_token": of_program})).await.expect(401);
        for junk in ["", "x", &"A".repeat(43), grace.client.token.as_deref().unwrap()] {
            refused(ANSWER, junk, &grace.device.code(app)).await;
        }
        // Once.
        answer(app, ANSWER, &of_program, &grace.device.code(app)).await.expect(200);
        next_code(app);
        refused(ANSWER, &of_program, &grace.device.code(app)).await;
        // Five minutes.
        let late = challenge(app, LOGIN, &grace.email).await;
        app.clock.advance(Duration::from_secs(300));
        refused(ANSWER, &late, &grace.device.code(app)).await;
        // Not past a change of the password.
        let begun = challenge(app, LOGIN, &grace.email).await;
        let change = json!({"current_password": PASSWORD, "new_password": "another fine phrase"});
        grace.client.post("/api/v1/auth/password", change).await.expect(204);
        refused(ANSWER, &begun, &grace.device.code(app)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_does_not_get_around_it() {
    with_admin(async |app, admin| {
        let grace = protected(app, admin, "grace").await;
        let made =
            admin.post(&format!("/api/v1/users/{}/reset-password", grace.id), json!({})).await.expect(200);
        let link = text(&made.json()["password_link"]);
        let token = link.split("token=").nth(1).unwrap();
        let reset = json!({"token": token, "new_password": "another fine phrase"});
        let answer = app.stranger().post("/api/v1/auth/reset", reset).await.expect(204);
        assert!(answer.headers.get("set-cookie").is_none() && answer.body.is_empty(), "it signs nobody in");
        let asked = log_in(&app.stranger(), &grace.email, "another fine phrase").await.expect(401);
        assert_eq!(asked.error(), "identity.second-factor-required");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_door_leads_around_the_second_step() {
    with_admin(async |app, admin| {
        let grace = protected(app, admin, "grace").await;
        for path in [LOGIN, "/auth/login", "/api/auth/login", SESSION, "/auth/session"] {
            let body = json!({"email": grace.email, "password": PASSWORD});
            let asked = app.stranger().post(path, body).await.expect(401);
            assert_eq!(asked.error(), "identity.second-factor-required", "{path}");
            assert!(asked.headers.get("set-cookie").is_none(), "{path}");
            assert!(!asked.text().contains("access_token"), "{path}");
        }
        // The form of older pages.
        let fields = [("email", grace.email.as_str()), ("password", PASSWORD)];
        let sent = form(app, "/login", &fields).await.expect(303);
        assert_eq!(sent.header("location"), "/login?error=second-factor");
        assert!(sent.headers.get("set-cookie").is_none());
        let wrong = [("email", grace.email.as_str()), ("password", PASSWORD), ("code", "000000")];
        assert_eq!(form(app, "/login", &wrong).await.expect(303).header("location"), "/login?error=code");
        let code = grace.device.code(app);
        let right = [("email", grace.email.as_str()), ("password", PASSWORD), ("code", &code)];
        let sent = form(app, "/login", &right).await.expect(303);
        assert_eq!(
            (sent.header("location"), sent.headers.get_all("set-cookie").iter().count()),
            ("/dashboard", 2)
        );
        // The password form of OAuth 2.
        let oauth = [("grant_type", "password"), ("username", grace.email.as_str()), ("password", PASSWORD)];
        assert_eq!(form(app, LOGIN, &oauth).await.expect(401).error(), "identity.second-factor-required");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_narrowed_or_is_old_changes_nothing() {
    with_admin(async |app, admin| {
        let grace = protected(app, admin, "grace").await;
        let code = grace.device.code(app);
        let fields =
            [("username", grace.email.as_str()), ("password", PASSWORD), ("scope", "read"), ("code", &code)];
        let pair = form(app, LOGIN, &fields).await.expect(200).json();
        let reader = bearer(app, &pair["access_token"]);
        for (method, path, body) in [
            (Method::DELETE, "/api/v1/auth/totp", json!({})),
            (Method::POST, "/api/v1/auth/totp", json!({})),
            (Method::POST, "/api/v1/auth/totp/confirm", json!({"code": "000000"})),
            (Method::POST, "/api/v1/auth/recovery-codes", json!({})),
            (Method::POST, "/api/v1/auth/confirm", json!({"password": PASSWORD})),
            (Method::POST, "/api/v1/auth/confirm/passkey", json!({})),
            (Method::POST, "/api/v1/auth/passkeys/start", json!({})),
        ] {
            let refused = reader.send(method, path, Some(body)).await.expect(403);
            assert_eq!(refused.error(), "identity.not-this-session", "{path}");
        }
        // A stolen session cannot try passwords for long.
        for _ in 0..5 {
            grace.client.post("/api/v1/auth/confirm", json!({"password": "wrong"})).await.expect(422);
        }
        grace.client.post("/api/v1/auth/confirm", json!({"password": PASSWORD})).await.expect(429);
        // Nor does it keep the owner out by that.
        log_in(&app.stranger(), &grace.email, PASSWORD).await.expect(401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_was_planted_is_never_promoted() {
    with_admin(async |app, admin| {
        let grace = protected(app, admin, "grace").await;
        let planted = "A".repeat(43);
        let cookie = format!("socle_session={planted}; socle_csrf=x");
        let stranger = app.stranger();
        let body = json!({"email": grace.email, "password": PASSWORD});
        let request = stranger.request(Method::POST, SESSION).header("cookie", &cookie).json(&body);
        let asked = stranger.finish(SESSION, request).await.expect(401);
        let asked = text(&asked.json()["second_factor"]["challenge"]);
        let body = json!({"challenge": asked, "code": grace.device.code(app)});
        let request = stranger.request(Method::POST, ANSWER_IN_BROWSER).header("cookie", &cookie).json(&body);
        let me = stranger.finish(ANSWER_IN_BROWSER, request).await.expect(200);
        let cookies: Vec<_> =
            me.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
        assert!(cookies[0].starts_with("socle_session=") && !cookies[0].contains(&planted), "{cookies:?}");
        let request = stranger.request(Method::GET, "/api/v1/auth/me").header("cookie", &cookie);
        stranger.finish("planted", request).await.expect(401);
    })
    .await;
}
