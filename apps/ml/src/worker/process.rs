use std::{
    collections::HashMap,
    io::BufReader,
    net::Shutdown,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt as _},
    },
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use super::{Ask, Told, Worker, locked, wire};
use crate::model::scoring::ServingError;

/// The server's side of a model's process. It ends with the last holder.
#[derive(Debug)]
pub(crate) struct Process {
    socket: Mutex<UnixStream>,
    waiting: Arc<Mutex<Waiting>>,
    next: AtomicU64,
}

type Answer = (Told, Vec<u8>);

/// Who waits for which answer; `None` once the process is gone.
type Waiting = Option<HashMap<u64, SyncSender<Answer>>>;

/// More than rows of any use; what a process says is not kept without an end.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

const WRITE_WITHIN: Duration = Duration::from_secs(20);

fn ended() -> ServingError {
    ServingError::Failed(
        "it broke the process that it computes in, or asked for more memory than models may".to_owned(),
    )
}

impl Process {
    pub(crate) fn start(worker: &Worker) -> Result<Self, ServingError> {
        let begin = || {
            let (ours, theirs) = UnixStream::pair()?;
            let child = Command::new(&worker.program)
                .args(&worker.arguments)
                // Settings and secrets of the server are nothing for it.
                .env_clear()
                .env("RTEN_NUM_THREADS", "1")
                .current_dir("/")
                .stdin(Stdio::from(OwnedFd::from(theirs)))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                // What a terminal sends to the server's group is for the server.
                .process_group(0)
                .spawn()?;
            // It reads as soon as something comes; one that does not is not worth waiting for.
            ours.set_write_timeout(Some(WRITE_WITHIN))?;
            let answers = ours.try_clone()?;
            let waiting: Arc<Mutex<Waiting>> = Arc::new(Mutex::new(Some(HashMap::new())));
            let heard = waiting.clone();
            std::thread::Builder::new()
                .name("ml-worker".to_owned())
                .spawn(move || hear(child, answers, &heard))?;
            Ok(Self { socket: Mutex::new(ours), waiting, next: AtomicU64::new(0) })
        };
        begin().map_err(|error: std::io::Error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a model's process could not be begun");
            ServingError::Busy
        })
    }

    /// Whether nothing can be asked any more.
    pub(crate) fn is_gone(&self) -> bool {
        locked(&self.waiting).is_none()
    }

    /// Blocks until it has answered. One that does not in time is ended, with all that it computes.
    pub(crate) fn ask(&self, ask: &Ask, body: &[u8], within: Duration) -> Result<Answer, ServingError> {
        let began = Instant::now();
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answers) = sync_channel(1);
        match &mut *locked(&self.waiting) {
            Some(waiting) => waiting.insert(id, sender),
            None => return Err(ended()),
        };
        let written = {
            let mut socket = locked(&self.socket);
            wire::write(&mut *socket, id, ask, body)
        };
        if written.is_err() {
            return Err(ended());
        }
        match answers.recv_timeout(within.saturating_sub(began.elapsed())) {
            Ok((Told::Error(error), _)) => Err(error),
            Ok(answer) => Ok(answer),
            Err(RecvTimeoutError::Disconnected) => Err(ended()),
            Err(RecvTimeoutError::Timeout) => {
                self.end();
                Err(ServingError::Timeout { seconds: u32::try_from(within.as_secs()).unwrap_or(u32::MAX) })
            }
        }
    }

    fn end(&self) {
        let socket = locked(&self.socket);
        // The one who hears then ends the process. It may have closed by itself.
        let _ = socket.shutdown(Shutdown::Both);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Hands out answers until the socket closes on either side, and sees the process off.
fn hear(mut child: Child, answers: UnixStream, waiting: &Mutex<Waiting>) {
    let mut answers = BufReader::new(answers);
    while let Ok((id, told, body)) = wire::read::<Told>(&mut answers, ANSWER_BYTES_MAX) {
        let mut waiting = locked(waiting);
        if let Some(sender) = waiting.as_mut().and_then(|waiting| waiting.remove(&id)) {
            // Who asked may not wait any more.
            let _ = sender.try_send((told, body));
        }
    }
    *locked(waiting) = None;
    // It may have ended by itself.
    let _ = child.kill();
    match child.wait() {
        Ok(status) => tracing::debug!(%status, "a model's process ended"),
        Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "a model's process is lost"),
    }
}
