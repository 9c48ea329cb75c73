//! `socle login`, `logout`, `whoami` and `api`: a person at a terminal who talks to a server, which may be elsewhere.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use kernel::{Clock as _, SystemClock};
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{print_json, say};
use crate::boot;

/// The client that every installation knows.
const CLIENT: &str = "socle-cli";
const SCOPES: &str = "openid profile email offline_access read write";
/// An access token that ends sooner than this is refreshed first.
const SOON_S: i64 = 30;

/// What `socle login` keeps, by server.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Credentials {
    /// The one that commands without `--url` talk to.
    current: Option<String>,
    servers: BTreeMap<String, Tokens>,
}

#[derive(Serialize, Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: Option<String>,
    /// Seconds since 1970.
    expires_at: i64,
}

/// Tokens stay out of logs.
impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    refresh_token: Option<String>,
    expires_in: i64,
}

#[derive(Deserialize)]
struct DeviceAnswer {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: i64,
    interval: u64,
}

#[derive(Deserialize)]
struct OAuthError {
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Only this user may read it.
fn file() -> anyhow::Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = variable("XDG_CONFIG_HOME").or_else(|| Some(variable("HOME")?.join(".config")));
    Ok(folder
        .context("neither XDG_CONFIG_HOME nor HOME says where to keep credentials")?
        .join("socle/credentials.json"))
}

impl Credentials {
    fn read() -> anyhow::Result<Self> {
        let file = file()?;
        match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is not as `socle login` wrote it; delete it", file.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
        }
    }

    /// Whole or not at all.
    fn write(&self) -> anyhow::Result<()> {
        let file = file()?;
        let told = || format!("{} cannot be written", file.display());
        let folder = file.parent().with_context(told)?;
        fs::create_dir_all(folder).with_context(told)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).with_context(told)?;
        let draft = folder.join(format!("credentials.{}", std::process::id()));
        let mut writer = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)
            .with_context(told)?;
        writer
            .write_all(&serde_json::to_vec_pretty(self)?)
            .and_then(|()| writer.sync_all())
            .with_context(told)?;
        fs::rename(&draft, &file).with_context(told)
    }

    /// The server that was named, or the one of the last log-in.
    fn server(&self, url: Option<&str>) -> anyhow::Result<String> {
        match url {
            Some(url) => base(url),
            None => self.current.clone().context("nobody is signed in: run `socle login --url https://…`"),
        }
    }
}

fn base(url: &str) -> anyhow::Result<String> {
    let url = url.trim_end_matches('/');
    ensure!(
        url.starts_with("https://") || url.starts_with("http://"),
        "{url:?} is no address such as https://socle.example.org"
    );
    Ok(url.to_owned())
}

fn client() -> anyhow::Result<reqwest::Client> {
    boot::tls();
    let agent = concat!("socle/", env!("CARGO_PKG_VERSION"));
    let client = reqwest::Client::builder().user_agent(agent).timeout(Duration::from_secs(60));
    Ok(client.redirect(reqwest::redirect::Policy::none()).build()?)
}

async fn post_form(
    http: &reqwest::Client,
    url: &str,
    pairs: &[(&str, &str)],
) -> anyhow::Result<reqwest::Response> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let request = http.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
    request.send().await.with_context(|| format!("{url} does not answer"))
}

/// The answer, or what the server says is wrong.
async fn granted<T: serde::de::DeserializeOwned>(
    response: reqwest::Response,
) -> anyhow::Result<Result<T, OAuthError>> {
    let status = response.status();
    let bytes = response.bytes().await?;
    if status.is_success() {
        return Ok(Ok(serde_json::from_slice(&bytes)?));
    }
    match serde_json::from_slice::<OAuthError>(&bytes) {
        Ok(error) => Ok(Err(error)),
        Err(_) => bail!("the server answered {status}: is it Socle?"),
    }
}

impl From<TokenAnswer> for Tokens {
    fn from(answer: TokenAnswer) -> Self {
        Self {
            access_token: answer.access_token,
            refresh_token: answer.refresh_token,
            expires_at: SystemClock.now().as_second() + answer.expires_in,
        }
    }
}

/// Shows a code that the user types in a browser, and waits until they have said yes.
pub(crate) async fn run_login(url: Option<String>, as_json: bool) -> anyhow::Result<()> {
    let mut kept = Credentials::read()?;
    let server = match url {
        Some(url) => base(&url)?,
        None => kept.current.clone().unwrap_or_else(|| "http://127.0.0.1:8000".to_owned()),
    };
    let http = client()?;
    let asked = post_form(
        &http,
        &format!("{server}/oauth/device_authorization"),
        &[("client_id", CLIENT), ("scope", SCOPES)],
    )
    .await?;
    let device: DeviceAnswer = granted(asked)
        .await?
        .map_err(|refused| anyhow::anyhow!("{server} refuses: {}", refused.error_description))?;
    // To standard error: scripts read the answer from standard output.
    eprintln!(
        "Open {} and type the code {}\n(or open {})",
        device.verification_uri, device.user_code, device.verification_uri_complete
    );
    let until = SystemClock.now().as_second() + device.expires_in;
    let mut pause = Duration::from_secs(device.interval);
    let tokens: TokenAnswer = loop {
        tokio::time::sleep(pause).await;
        ensure!(SystemClock.now().as_second() < until, "nobody typed the code in time");
        let pairs = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", CLIENT),
            ("device_code", device.device_code.as_str()),
        ];
        match granted(post_form(&http, &format!("{server}/oauth/token"), &pairs).await?).await? {
            Ok(tokens) => break tokens,
            Err(waiting) if waiting.error == "authorization_pending" => {}
            Err(hasty) if hasty.error == "slow_down" => pause += Duration::from_secs(5),
            Err(refused) => bail!("not signed in: {}", refused.error_description),
        }
    };
    kept.servers.insert(server.clone(), tokens.into());
    kept.current = Some(server.clone());
    kept.write()?;
    tell_who(&mut kept, &http, &server, as_json).await
}

/// The server forgets the session, and this machine its tokens.
pub(crate) async fn run_logout(url: Option<String>) -> anyhow::Result<()> {
    let mut kept = Credentials::read()?;
    let server = kept.server(url.as_deref())?;
    let tokens = kept.servers.remove(&server).with_context(|| format!("nobody is signed in at {server}"))?;
    if kept.current.as_ref() == Some(&server) {
        kept.current = None;
    }
    kept.write()?;
    let token = tokens.refresh_token.as_deref().unwrap_or(&tokens.access_token);
    let revoked =
        post_form(&client()?, &format!("{server}/oauth/revoke"), &[("client_id", CLIENT), ("token", token)])
            .await;
    match revoked {
        Ok(answer) if answer.status().is_success() => say(&format!("signed out of {server}")),
        _ => say(&format!("forgotten here, but {server} could not be told: end the session there")),
    }
}

pub(crate) async fn run_whoami(url: Option<String>, as_json: bool) -> anyhow::Result<()> {
    let mut kept = Credentials::read()?;
    let server = kept.server(url.as_deref())?;
    tell_who(&mut kept, &client()?, &server, as_json).await
}

async fn tell_who(
    kept: &mut Credentials,
    http: &reqwest::Client,
    server: &str,
    as_json: bool,
) -> anyhow::Result<()> {
    let answer = call(kept, http, server, Method::GET, "/api/v1/auth/me", None).await?;
    ensure!(answer.status().is_success(), "{server} answered {}", answer.status());
    let me: Value = answer.json().await?;
    if as_json {
        return print_json(
            &json!({ "server": server, "email": me["email"], "workspace": me["workspace"], "roles": me["roles"] }),
        );
    }
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let roles: Vec<_> = me["roles"].as_array().into_iter().flatten().map(word).collect();
    say(&format!("{}  {}  {}  {server}", word(&me["email"]), word(&me["workspace"]["slug"]), roles.join(",")))
}

/// One request, as `curl` with the right token. The answer goes to standard output, also of a request that failed.
pub(crate) async fn run_api(
    url: Option<String>,
    method: &str,
    path: &str,
    data: Option<String>,
) -> anyhow::Result<()> {
    let mut kept = Credentials::read()?;
    let server = kept.server(url.as_deref())?;
    ensure!(
        path.starts_with('/') && !path.starts_with("//"),
        "the path must begin with one /, such as /api/v1/auth/me"
    );
    let method: Method = method.to_uppercase().parse().with_context(|| format!("{method:?} is no method"))?;
    let body = match data.as_deref() {
        None => None,
        Some("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("could not read standard input")?;
            Some(text)
        }
        Some(text) => match text.strip_prefix('@') {
            Some(file) => Some(fs::read_to_string(file).with_context(|| format!("{file} cannot be read"))?),
            None => Some(text.to_owned()),
        },
    };
    let answer = call(&mut kept, &client()?, &server, method, path, body).await?;
    let status = answer.status();
    let text = answer.text().await?;
    match serde_json::from_str::<Value>(&text) {
        Ok(value) => print_json(&value)?,
        Err(_) if text.is_empty() => {}
        Err(_) => say(&text)?,
    }
    ensure!(status.is_success(), "{server} answered {status}");
    Ok(())
}

/// Sends a request as who is signed in there, with a token that works: refreshed before it ends, or when it is refused.
async fn call(
    kept: &mut Credentials,
    http: &reqwest::Client,
    server: &str,
    method: Method,
    path: &str,
    body: Option<String>,
) -> anyhow::Result<reqwest::Response> {
    let expires_at = kept.servers.get(server).map(|tokens| tokens.expires_at);
    let expires_at = expires_at
        .with_context(|| format!("nobody is signed in at {server}: run `socle login --url {server}`"))?;
    let mut refreshed = false;
    if expires_at - SOON_S <= SystemClock.now().as_second() {
        refresh(kept, http, server).await?;
        refreshed = true;
    }
    loop {
        let token = kept.servers.get(server).map(|tokens| tokens.access_token.as_str()).unwrap_or_default();
        let mut request = http.request(method.clone(), format!("{server}{path}")).bearer_auth(token);
        if let Some(body) = &body {
            request = request.header("content-type", "application/json").body(body.clone());
        }
        let answer = request.send().await.with_context(|| format!("{server} does not answer"))?;
        if answer.status() != StatusCode::UNAUTHORIZED || refreshed {
            return Ok(answer);
        }
        refresh(kept, http, server).await?;
        refreshed = true;
    }
}

async fn refresh(kept: &mut Credentials, http: &reqwest::Client, server: &str) -> anyhow::Result<()> {
    let over = || format!("the session at {server} is over: run `socle login --url {server}`");
    // Another command may have refreshed it since this one began.
    *kept = Credentials::read()?;
    let token =
        kept.servers.get(server).and_then(|tokens| tokens.refresh_token.clone()).with_context(over)?;
    let pairs = [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token.as_str())];
    let answer =
        granted::<TokenAnswer>(post_form(http, &format!("{server}/oauth/token"), &pairs).await?).await?;
    let tokens = answer.ok().with_context(over)?;
    kept.servers.insert(server.to_owned(), tokens.into());
    kept.write()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_last_slash_and_tokens_stay_out_of_logs() {
        assert_eq!(base("https://socle.example.org/").unwrap(), "https://socle.example.org");
        assert!(base("socle.example.org").is_err());
        assert!(base("file:///etc/passwd").is_err());
        let tokens = Tokens { access_token: "secret".into(), refresh_token: None, expires_at: 1 };
        assert!(!format!("{tokens:?}").contains("secret"));
    }
}
