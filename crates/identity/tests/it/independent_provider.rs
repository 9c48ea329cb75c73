//! Against a provider by other people: npm's `oidc-provider`, its forms filled in as a browser would.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use kernel::Secret;
use reqwest::{Method, redirect::Policy};
use serde_json::json;
use testkit::{App, Modules, TestConfig};
use url::Url;

use crate::fake_provider::{come_back, cookie, depart};

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn start(script: &PathBuf, port: u16, callback: &str) -> Program {
    let console = script.parent().unwrap().join("../../console");
    let mut child = Command::new("node")
        .arg(script)
        .args([&port.to_string(), callback])
        .current_dir(console)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("node runs");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let program = Program(child);
    assert!(lines.any(|line| line.is_ok_and(|line| line == "ready")), "oidc-provider did not start");
    // It may go on talking.
    std::thread::spawn(move || lines.for_each(drop));
    program
}

/// A browser with cookies that somebody sits at.
struct Browser {
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    async fn send(&mut self, method: Method, url: &Url, form: Option<&[(&str, &str)]>) -> reqwest::Response {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self.http.request(method, url.clone()).header("cookie", cookies.join("; "));
        if let Some(form) = form {
            let body: String =
                url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
            request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        }
        let answer = request.send().await.expect("the provider answers");
        for line in answer.headers().get_all("set-cookie") {
            let (name, value) = line.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    /// Signs in there and says yes to everything; where it sends the browser in the end.
    async fn sign_in(&mut self, from: &Url, name: &str, home: &str) -> Url {
        let mut url = from.clone();
        for _ in 0..12 {
            if url.as_str().starts_with(home) {
                return url;
            }
            let mut answer = self.send(Method::GET, &url, None).await;
            if answer.status() == 200 {
                let page = answer.text().await.unwrap();
                let consent = page.contains("value=\"consent\"");
                let form: &[_] = if consent {
                    &[("prompt", "consent")]
                } else {
                    &[("prompt", "login"), ("login", name), ("password", "x")]
                };
                answer = self.send(Method::POST, &url, Some(form)).await;
            }
            let location =
                answer.headers().get("location").unwrap_or_else(|| panic!("{url}: {}", answer.status()));
            url = url.join(location.to_str().unwrap()).unwrap();
        }
        panic!("no way home from {from}: {url}")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_independent_provider_signs_people_in() {
    let Some(script) = std::env::var_os("SOCLE_TEST_OPENID").map(PathBuf::from) else {
        return eprintln!("skipped: SOCLE_TEST_OPENID does not name scripts/openid/provider.mjs");
    };
    for engine in testkit::engines() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let provider = identity::ProviderConfig {
            id: "corp".to_owned(),
            issuer: format!("http://127.0.0.1:{port}"),
            client_id: "socle".to_owned(),
            client_secret: Secret::new("a secret of the client, 32 bytes or more".to_owned()),
            allow_private: true,
            allow_sign_up: true,
            ..identity::ProviderConfig::default()
        };
        let identity = identity::Config { providers: vec![provider], ..identity::Config::default() };
        let app =
            App::start_with(&engine, Modules::NONE, TestConfig { identity, ..TestConfig::default() }).await;
        app.admin().await;
        let home = format!("{}/api/v1/auth/providers/corp/callback", app.base);
        let program = start(&script, port, &home);
        let http = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        for (name, expected) in
            [("grace", "/dashboard"), ("grace", "/dashboard"), ("unsure", "/login?error=provider-unverified")]
        {
            let departed = depart(&app, "").await;
            let mut browser = Browser { http: http.clone(), cookies: BTreeMap::new() };
            let url = browser.sign_in(&departed.url, name, &home).await;
            let query: Vec<_> =
                url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
            let query: Vec<_> = query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let back =
                come_back(&app, &format!("socle_provider={}", departed.cookie), &query).await.expect(303);
            assert_eq!(back.header("location"), expected, "{name}");
            let Some(session) = cookie(&back, "socle_session") else { continue };
            let stranger = app.stranger();
            let me = stranger
                .request(Method::GET, "/api/v1/auth/me")
                .header("cookie", format!("socle_session={session}"));
            assert_eq!(
                stranger.finish("me", me).await.expect(200).json()["email"],
                json!("grace@example.org")
            );
        }
        drop(program);
        app.stop().await;
    }
}
