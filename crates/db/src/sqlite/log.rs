//! SQLite's write-ahead log, folded into the file beside those who write: copying a thousand pages and waiting for the disk
//! takes longer than what they write. <https://sqlite.org/wal.html#checkpointing>

use std::{
    fs::File,
    mem::ManuallyDrop,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
};

use rusqlite::{OpenFlags, hooks::Wal};
use tokio::runtime::Handle;

use super::aside;

/// So many pages that are not in the file yet are folded in: SQLite's own number.
const FOLD_PAGES: i32 = 1_000;
/// The log starts anew when all of it is in the file. While commits never pause there is always something left; in a log of
/// so many pages one commit folds that.
const FINISH_PAGES: i32 = 4_000;
/// In a log of 64 MiB (of 4 KiB pages), where nothing else keeps up, each commit folds what it can, and waits for who does.
const PAGES_MAX: i32 = 16_000;

/// The log of one file, as this process sees it.
pub(super) struct Log {
    file: PathBuf,
    /// Pages in the log after the last commit.
    pages: AtomicI32,
    /// Pages of the log that are in the file.
    folded: AtomicI32,
    is_folding: AtomicBool,
    /// Only the last pages are left, and a commit shall fold them.
    is_nearly_folded: AtomicBool,
    hand: Mutex<Hand>,
}

/// What folds beside those who write.
#[derive(Default)]
enum Hand {
    /// Nothing had to be folded yet.
    #[default]
    Idle,
    Open {
        connection: rusqlite::Connection,
        /// To be closed after all connections, or never: with any descriptor of a file a process gives up all its locks on
        /// it, SQLite's too (POSIX, fcntl).
        file: ManuallyDrop<File>,
    },
    Closed,
}

impl Log {
    pub(super) fn of(file: PathBuf) -> Self {
        Self {
            file,
            pages: AtomicI32::new(0),
            folded: AtomicI32::new(0),
            is_folding: AtomicBool::new(false),
            is_nearly_folded: AtomicBool::new(false),
            hand: Mutex::default(),
        }
    }

    /// After a commit, which stands whatever becomes of this: the next one tries again.
    pub(super) fn grew(self: &Arc<Self>, log: &mut Wal, pages: i32) {
        self.pages.store(pages, Ordering::Relaxed);
        if pages < self.folded.load(Ordering::Relaxed) {
            // It has started anew.
            self.folded.store(0, Ordering::Relaxed);
        }
        let is_due = pages - self.folded.load(Ordering::Relaxed) >= FOLD_PAGES;
        let is_finishing = self.is_nearly_folded.swap(false, Ordering::Relaxed) || pages >= PAGES_MAX;
        let runtime = Handle::try_current().ok().filter(|_| !is_finishing);
        if let Some(runtime) = runtime {
            if is_due && !self.is_folding.swap(true, Ordering::AcqRel) {
                let log = self.clone();
                runtime.spawn_blocking(move || log.fold());
            }
        } else if is_due || is_finishing {
            aside(|| {
                // Two cannot fold at a time.
                let _hand = self.hand();
                log.checkpoint().unwrap_or_default();
            });
        }
    }

    /// Waits for what is under way; nothing more is folded beside anybody. What it gives is to be dropped when the last
    /// connection is closed.
    pub(super) fn close(&self) -> Option<File> {
        let mut hand = self.hand();
        match std::mem::replace(&mut *hand, Hand::Closed) {
            Hand::Open { file, .. } => Some(ManuallyDrop::into_inner(file)),
            Hand::Idle | Hand::Closed => None,
        }
    }

    fn fold(&self) {
        let mut hand = self.hand();
        self.pass(&mut hand);
        if self.is_to_finish() {
            // What came meanwhile, so that little is left.
            self.pass(&mut hand);
            self.is_nearly_folded.store(self.is_to_finish(), Ordering::Relaxed);
        }
        self.is_folding.store(false, Ordering::Release);
    }

    fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(&self, hand: &mut Hand) {
        if let Ok(Some(folded)) = hand.pass(&self.file) {
            self.folded.store(folded, Ordering::Relaxed);
        }
    }

    fn is_to_finish(&self) -> bool {
        let pages = self.pages.load(Ordering::Relaxed);
        pages >= FINISH_PAGES && pages > self.folded.load(Ordering::Relaxed)
    }
}

impl Hand {
    /// Gives the number of pages of the log that are in the file now, and on the disk.
    fn pass(&mut self, path: &Path) -> rusqlite::Result<Option<i32>> {
        if let Self::Idle = self {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = rusqlite::Connection::open_with_flags(path, flags)?;
            let Ok(file) = File::open(path) else { return Ok(None) };
            *self = Self::Open { connection, file: ManuallyDrop::new(file) };
        }
        let Self::Open { connection, file } = self else { return Ok(None) };
        let folded = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |row| row.get(2))?;
        // SQLite waits for the disk when all is folded, and then who writes would wait for these pages too.
        file.sync_data().ok();
        Ok(Some(folded))
    }
}
