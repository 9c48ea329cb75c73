use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use serde_json::json;
use tempfile::TempDir;
use testkit::{Client, eventually};

/// `socle`, with an environment of its own.
pub(crate) fn socle(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socle"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SOCLE_")) {
        command.env_remove(name);
    }
    // No socle.toml of the folder that tests run in.
    command.current_dir(data).env("SOCLE_DATA", data).stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    command.output().expect("the binary runs")
}

/// What a failed command said.
#[track_caller]
pub(crate) fn failure(command: &mut Command) -> String {
    let output = run(command);
    assert!(!output.status.success(), "it should have failed: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A running server in a folder that outlives it.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) base: String,
    pub(crate) first_run: Option<String>,
    pub(crate) folder: Folder,
    /// What it said so far, line by line.
    pub(crate) log: Arc<Mutex<Vec<String>>>,
}

/// The data folder, and the PostgreSQL database if there is one.
pub(crate) struct Folder {
    pub(crate) temp: TempDir,
    pub(crate) database_url: Option<String>,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { temp: tempfile::tempdir().expect("a temporary folder can be made"), database_url: None }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.temp.path().to_owned()
    }

    pub(crate) fn socle(&self) -> Command {
        let mut command = socle(self.temp.path());
        if let Some(url) = &self.database_url {
            command.env("SOCLE_DATABASE_URL", url);
        }
        command
    }
}

pub(crate) const EMAIL: &str = "admin@example.org";
pub(crate) const PASSWORD: &str = "a sound pass phrase 41";

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_in(Folder::new(), &[]).await
    }

    pub(crate) async fn start_in(folder: Folder, environment: &[(&str, &str)]) -> Self {
        let mut command = folder.socle();
        // Nodes, and a server that is started again, are one installation, although each listens elsewhere.
        command.env("SOCLE_IDENTITY__ISSUER", "https://socle.test");
        command.args(["serve", "--listen", "127.0.0.1:0"]).envs(environment.iter().copied());
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let stderr = child.stderr.take().expect("standard error is a pipe");
        let (sender, lines) = mpsc::channel();
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = log.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                eprintln!("socle | {line}");
                kept.lock().expect("nobody panics with it in hand").push(line.clone());
                // The test may not listen any more; the pipe must be emptied all the same.
                drop(sender.send(line));
            }
        });
        let mut first_run = None;
        let base = loop {
            let line = lines.recv_timeout(Duration::from_secs(60)).expect("the server says where it listens");
            if let Some(at) = line.find("\"url\":\"") {
                break line[at + 7..].split('"').next().unwrap_or_default().to_owned();
            }
        };
        while let Ok(line) = lines.recv_timeout(Duration::from_millis(300)) {
            if let Some(at) = line.find("http").filter(|_| line.contains("/welcome?token=")) {
                first_run = Some(line[at..].trim().to_owned());
                break;
            }
        }
        let server = Self { child, base, first_run, folder, log };
        let stranger = server.stranger();
        eventually("the server answers", async || {
            (stranger.get("/health/live").await.status == 200).then_some(())
        })
        .await;
        server
    }

    pub(crate) fn stranger(&self) -> Client {
        Client::new(&self.base)
    }

    /// The administrator; made by the printed link at the first call.
    pub(crate) async fn admin(&mut self) -> Client {
        if let Some(link) = self.first_run.take() {
            let token = link.split("token=").nth(1).expect("the link holds its token").to_owned();
            let body = json!({"token": token, "email": EMAIL, "password": PASSWORD, "first_name": "Ada", "last_name": "Byron"});
            self.stranger().post("/api/v1/auth/first-run", body).await.expect(201);
        }
        self.sign_in(EMAIL).await
    }

    pub(crate) async fn sign_in(&self, email: &str) -> Client {
        let stranger = self.stranger();
        let pair = stranger
            .post("/auth/login", json!({"email": email, "password": PASSWORD}))
            .await
            .expect(200)
            .json();
        Client { token: pair["access_token"].as_str().map(str::to_owned), ..stranger }
    }

    /// A new member of the administrator's workspace.
    pub(crate) async fn member(&self, admin: &Client, role: &str) -> Client {
        let email = format!("a.{role}@example.org");
        let body = json!({"email": email, "password": PASSWORD, "first_name": "Test", "last_name": "Member", "role": role});
        admin.post("/api/v1/users", body).await.expect(201);
        self.sign_in(&email).await
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("the server is there to be signalled");
    }

    /// `kill -9`, and what is left of it.
    pub(crate) fn kill(mut self) -> Folder {
        self.child.kill().expect("the server is there to be killed");
        self.child.wait().expect("the server was a child of ours");
        std::mem::replace(&mut self.folder, Folder::new())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Dead already in the tests that killed it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
