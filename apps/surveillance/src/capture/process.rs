//! Children that never outlive the server.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{LazyLock, mpsc},
    time::Duration,
};

use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, ChildStderr, ChildStdout, Command},
    runtime::Handle,
    sync::oneshot,
};

use super::command::Told;

/// Why ffmpeg cannot be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FfmpegError {
    #[error("ffmpeg is not installed: {0} was not found; install it, or set surveillance.ffmpeg to its path")]
    Missing(String),
    #[error("ffmpeg could not be started")]
    Start(#[source] std::io::Error),
}

/// The ffmpeg program of this machine.
#[derive(Debug, Clone)]
pub(crate) struct Ffmpeg {
    program: PathBuf,
    /// util-linux's `setpriv`, by which the kernel kills the child when this process dies in whatever way.
    setpriv: Option<PathBuf>,
}

/// A running child.
pub(crate) struct Running {
    child: Child,
    stdout: ChildStdout,
    stderr: ChildStderr,
}

impl Ffmpeg {
    pub(crate) fn new(program: &Path) -> Self {
        let setpriv = in_path(Path::new("setpriv"));
        if setpriv.is_none() {
            tracing::warn!(
                "setpriv (util-linux) is not installed: ffmpeg may outlive a server that is killed"
            );
        }
        Self { program: program.to_owned(), setpriv }
    }

    /// Where it is.
    pub(crate) fn find(&self) -> Result<PathBuf, FfmpegError> {
        in_path(&self.program).ok_or_else(|| FfmpegError::Missing(self.program.display().to_string()))
    }

    pub(crate) async fn start(&self, told: &Told) -> Result<Running, FfmpegError> {
        let program = self.find()?;
        let mut command = match &self.setpriv {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(&program);
                command
            }
            None => Command::new(&program),
        };
        // No proxy settings: they would lead around the address check. No terminal: ffmpeg would read keys.
        command.env_clear();
        for name in ["PATH", "LD_LIBRARY_PATH", "HOME", "TMPDIR", "TZ", "LANG"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .args(&told.args)
            .stdin(if told.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = spawn(command).await.map_err(FfmpegError::Start)?;
        if let (Some(text), Some(mut stdin)) = (&told.stdin, child.stdin.take()) {
            // A child that died already shows in its exit.
            drop(stdin.write_all(text.as_bytes()).await);
        }
        let missing = || FfmpegError::Start(std::io::Error::other("a pipe is missing"));
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;
        // Room for a few pictures, so that the child is not woken for every 64 KiB.
        let _ = rustix::pipe::fcntl_setpipe_size(&stdout, 1 << 20);
        Ok(Running { child, stdout, stderr })
    }
}

impl Running {
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Its standard output and standard error.
    pub(crate) fn split(&mut self) -> (&mut ChildStdout, &mut ChildStderr) {
        (&mut self.stdout, &mut self.stderr)
    }

    pub(crate) async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks it to finish its files, and ends it when it does not do so soon. Takes at most `patience` and a moment.
    pub(crate) async fn stop(&mut self, patience: Duration) {
        let id =
            self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        if tokio::time::timeout(patience, self.child.wait()).await.is_err() {
            drop(self.child.kill().await);
        }
    }
}

/// The program as a path, by `PATH` unless it holds a slash.
fn in_path(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.is_file().then(|| program.to_owned());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

type Request = (Command, Handle, oneshot::Sender<std::io::Result<Child>>);

/// "Parent death" means the death of the thread that made the child, so children are made by one that lives as long as
/// the process: a thread of the runtime's blocking pool goes after ten idle seconds, and would take its cameras along.
static SPAWNER: LazyLock<Option<mpsc::Sender<Request>>> = LazyLock::new(|| {
    let (sender, requests) = mpsc::channel::<Request>();
    let work = move || {
        for (mut command, runtime, answer) in requests {
            let _inside = runtime.enter();
            // Whoever asked may be gone; the child is then killed as it is dropped.
            drop(answer.send(command.spawn()));
        }
    };
    std::thread::Builder::new().name("ffmpeg-spawner".to_owned()).spawn(work).ok().map(|_| sender)
});

async fn spawn(command: Command) -> std::io::Result<Child> {
    let gone = || std::io::Error::other("the thread that starts children is gone");
    let (answer, answered) = oneshot::channel();
    let sender = SPAWNER.as_ref().ok_or_else(gone)?;
    sender.send((command, Handle::current(), answer)).map_err(|_| gone())?;
    answered.await.map_err(|_| gone())?
}
