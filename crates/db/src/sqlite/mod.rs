//! SQLite by rusqlite: connections in two lines (one that writes, several that read), and statements that run on the
//! caller's own thread. A statement takes some microseconds; a thread of its own for each connection would add several times
//! that for handing it over and back.

mod connection;
mod log;
mod parameters;
mod row;

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::log::Log;
pub(crate) use self::{
    connection::{Access, Connection, Options},
    row::{Cell, SqliteRow},
};
use crate::{Error, Result};

/// Between two looks whether another process still writes.
const LOOK_AGAIN_MAX: Duration = Duration::from_millis(20);

/// Connections of one kind, opened when they are first needed. Who asks first has one first.
pub(crate) struct Pool {
    options: Options,
    /// Of a pool that writes.
    log: Option<Arc<Log>>,
    size: u32,
    acquire_timeout: Duration,
    /// A connection that nobody needed for so long is closed.
    idle_timeout: Option<Duration>,
    turns: Arc<Semaphore>,
    shelf: Arc<Mutex<Shelf>>,
}

/// The one that came back last goes out first: what it has read is still in its cache, and the others grow old.
#[derive(Default)]
struct Shelf {
    idle: VecDeque<(Arc<Mutex<Connection>>, Instant)>,
    open: u32,
    is_closed: bool,
}

/// A connection in use. Dropped, it ends what was begun on it and goes back.
pub(crate) struct Lease {
    connection: Arc<Mutex<Connection>>,
    shelf: Arc<Mutex<Shelf>>,
    idle_timeout: Option<Duration>,
    /// Given back after all else.
    _turn: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn new(
        options: Options,
        size: u32,
        acquire_timeout: Duration,
        idle_timeout: Option<Duration>,
    ) -> Self {
        let turns = Arc::new(Semaphore::new(usize::try_from(size).unwrap_or(Semaphore::MAX_PERMITS)));
        let log = (options.access == Access::Write).then(|| Arc::new(Log::of(options.file.clone())));
        Self { options, log, size, acquire_timeout, idle_timeout, turns, shelf: Arc::default() }
    }

    pub(crate) fn file(&self) -> &PathBuf {
        &self.options.file
    }

    /// A connection, opened if none is idle.
    pub(crate) async fn acquire(&self) -> Result<Lease> {
        let turn = match self.turns.clone().try_acquire_owned() {
            Ok(turn) => turn,
            Err(_) => tokio::time::timeout(self.acquire_timeout, self.turns.clone().acquire_owned())
                .await
                .map_err(|_| Error::Busy)?
                .map_err(|closed| Error::Unreachable(closed.into()))?,
        };
        let idle = shelf(&self.shelf).idle.pop_back();
        let connection = match idle {
            Some((connection, _)) => connection,
            None => {
                let connection = aside(|| self.open())?;
                shelf(&self.shelf).open += 1;
                Arc::new(Mutex::new(connection))
            }
        };
        let (shelf, idle_timeout) = (self.shelf.clone(), self.idle_timeout);
        Ok(Lease { connection, shelf, idle_timeout, _turn: turn })
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let mut connection = Connection::open(&self.options)?;
        if let Some(log) = &self.log {
            connection.tell(log.clone())?;
        }
        Ok(connection)
    }

    /// A connection with a transaction on it that sees the database as it is at its first statement.
    pub(crate) async fn begin_read(&self) -> Result<Lease> {
        let lease = self.acquire().await?;
        lease.lock().begin_read()?;
        Ok(lease)
    }

    /// A connection with a transaction on it that holds the lock for writing: another process may hold it for a while.
    pub(crate) async fn begin_write(&self) -> Result<Lease> {
        let lease = self.acquire().await?;
        let start = Instant::now();
        let mut look_again = Duration::from_millis(1);
        while !lease.lock().begin_write()? {
            if start.elapsed() >= self.acquire_timeout {
                return Err(Error::Busy);
            }
            tokio::time::sleep(look_again).await;
            look_again = (2 * look_again).min(LOOK_AGAIN_MAX);
        }
        Ok(lease)
    }

    /// How many are open, and how many of those idle.
    pub(crate) fn state(&self) -> (u32, usize) {
        let mut shelf = shelf(&self.shelf);
        shelf.close_old(self.idle_timeout);
        (shelf.open, shelf.idle.len())
    }

    /// Waits for all connections and closes them. The last one of a database folds its log into the file.
    pub(crate) async fn close(&self) {
        // An error: it is closed already.
        let all = self.turns.acquire_many(self.size).await.ok();
        self.turns.close();
        drop(all);
        let idle = {
            let mut shelf = shelf(&self.shelf);
            shelf.is_closed = true;
            shelf.open = 0;
            std::mem::take(&mut shelf.idle)
        };
        aside(|| {
            let file = self.log.as_ref().and_then(|log| log.close());
            drop(idle);
            drop(file);
        });
    }
}

impl Shelf {
    fn close_old(&mut self, idle_timeout: Option<Duration>) {
        let Some(idle_timeout) = idle_timeout else { return };
        while self.idle.front().is_some_and(|(_, since)| since.elapsed() > idle_timeout) {
            self.idle.pop_front();
            self.open -= 1;
        }
    }
}

impl Lease {
    /// Held by nobody else but for what is being [streamed](Self::shared).
    pub(crate) fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic in the middle of a statement ended that statement, and nothing else.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For a thread that reads beside the caller.
    pub(crate) fn shared(&self) -> Arc<Mutex<Connection>> {
        self.connection.clone()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let is_fine = self.lock().rollback();
        let mut shelf = shelf(&self.shelf);
        if is_fine && !shelf.is_closed {
            shelf.idle.push_back((self.connection.clone(), Instant::now()));
            shelf.close_old(self.idle_timeout);
        } else {
            shelf.open = shelf.open.saturating_sub(1);
        }
    }
}

fn shelf(shelf: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    // Nothing that can panic happens in there.
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does what may take long: the runtime gives the other tasks of this thread to another one meanwhile.
fn aside<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        // Tests have one thread, or no runtime.
        _ => work(),
    }
}
