use std::{pin::Pin, sync::Arc};

use jobs::{Handlers, Schedule};
use realtime::RoomGuard;
use tokio_util::sync::CancellationToken;
use web::OpenApiRouter;

type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a module gives to the server.
pub struct Parts {
    pub routes: OpenApiRouter,
    pub jobs: Handlers,
    /// Work that comes by itself, in processes of role worker.
    pub schedules: Vec<Schedule>,
    pub commands: Vec<Command>,
    pub checks: Vec<Check>,
    pub rooms: Vec<RoomGuard>,
    pub services: Vec<Service>,
}

/// Why a module could not be built: its settings, or something on the machine.
pub type BuildError = anyhow::Error;

/// What this process does of an installation's work: `--roles web,worker,camera`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Web,
    Worker,
    Camera,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Web, Self::Worker, Self::Camera];

    pub fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Worker => "worker",
            Self::Camera => "camera",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == text)
    }
}

/// Work that goes on while the server runs, in the processes that have the role.
pub struct Service {
    pub name: &'static str,
    pub role: Role,
    start: Box<dyn FnOnce(CancellationToken) -> Later<()> + Send>,
}

impl Service {
    /// `start` runs until the token is cancelled, then ends within a few seconds.
    pub fn new<F>(
        name: &'static str,
        role: Role,
        start: impl FnOnce(CancellationToken) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self { name, role, start: Box::new(move |stop| Box::pin(start(stop))) }
    }

    pub fn start(self, stop: CancellationToken) -> Later<()> {
        (self.start)(stop)
    }
}

/// A component of `/health/ready`.
#[derive(Clone)]
pub struct Check {
    pub name: &'static str,
    /// Without it this process cannot work: 503.
    pub required: bool,
    run: Arc<dyn Fn() -> Later<Result<String, String>> + Send + Sync>,
}

impl Check {
    /// `run` gives a detail for people: of what is well, or of what is wrong.
    pub fn new<F>(name: &'static str, required: bool, run: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, String>> + Send + 'static,
    {
        Self { name, required, run: Arc::new(move || Box::pin(run())) }
    }

    pub async fn run(&self) -> Result<String, String> {
        (self.run)().await
    }
}

/// How a command ends that did not do what was asked, where scripts want to know more than that it failed.
#[derive(Debug, thiserror::Error)]
#[error("{told}")]
pub struct ExitWith {
    pub code: u8,
    pub told: String,
}

impl ExitWith {
    pub const FAILED: u8 = 1;
    pub const USAGE: u8 = 2;
    pub const NOT_FOUND: u8 = 3;
    pub const CONFLICT: u8 = 4;

    pub fn usage(told: impl Into<String>) -> Self {
        Self { code: Self::USAGE, told: told.into() }
    }

    pub fn not_found(told: impl Into<String>) -> Self {
        Self { code: Self::NOT_FOUND, told: told.into() }
    }
}

/// A group of the command line: `socle <name> …`.
pub struct Command {
    pub command: clap::Command,
    run: Box<dyn FnOnce(clap::ArgMatches) -> Later<anyhow::Result<()>> + Send>,
}

impl Command {
    pub fn new<F>(command: clap::Command, run: impl FnOnce(clap::ArgMatches) -> F + Send + 'static) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        Self { command, run: Box::new(move |matches| Box::pin(run(matches))) }
    }

    pub async fn run(self, matches: clap::ArgMatches) -> anyhow::Result<()> {
        (self.run)(matches).await
    }
}
