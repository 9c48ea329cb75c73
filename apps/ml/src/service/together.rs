//! Small writes that come while others are being written wait for those, and then go in one transaction. A program that
//! trains writes often and little: what a transaction costs by itself is then shared by all that wait for it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use db::{Db, Engine};
use kernel::{Problem, ToProblem as _};
use platform::Spawner;
use tokio::sync::oneshot;

use crate::error::Error;

/// A write that can share its transaction with others of its kind.
pub(crate) trait Together: Sized + Send + Sync + 'static {
    /// Its spawned task's name.
    const NAME: &'static str;
    type Done: Send + 'static;

    /// How many rows it takes, about.
    fn rows(&self) -> usize {
        1
    }

    /// All of these in one transaction, in turn. What is refused for one of them alone is refused before anything of it is
    /// written; an error is for all of them.
    fn write(
        db: &Db,
        some: &[Self],
    ) -> impl Future<Output = Result<Vec<Result<Self::Done, Error>>, db::Error>> + Send;
}

/// Writes that wait at most; beyond, callers are told at once to come back.
const WAITING_MAX: usize = 2_000;
/// Writes in one transaction at most.
const TOGETHER_MAX: usize = 64;
/// Rows in one transaction at most, unless one write alone has more: others wait for it.
const ROWS_MAX: usize = 4_000;

type Waiting<T> = (T, oneshot::Sender<Result<<T as Together>::Done, Error>>);

/// Where writes of one kind wait. Cheap to clone.
pub(crate) struct Line<T: Together>(Arc<Shared<T>>);

struct Shared<T: Together> {
    db: Db,
    spawner: Spawner,
    state: Mutex<State<T>>,
    writers_max: usize,
}

struct State<T: Together> {
    waiting: VecDeque<Waiting<T>>,
    writers: usize,
}

impl<T: Together> Line<T> {
    pub(crate) fn new(db: &Db, spawner: &Spawner) -> Self {
        // SQLite has one writer; PostgreSQL has connections, which others need too.
        let writers_max = match db.engine() {
            Engine::Sqlite => 1,
            Engine::Postgres => 4,
        };
        let state = Mutex::new(State { waiting: VecDeque::new(), writers: 0 });
        Self(Arc::new(Shared { db: db.clone(), spawner: spawner.clone(), state, writers_max }))
    }

    /// Waits until it is written. Who stops waiting has it written all the same.
    pub(crate) async fn write(&self, item: T) -> Result<T::Done, Error> {
        let (told, starts) = self.0.enter(item)?;
        if starts {
            let shared = self.0.clone();
            let mut writing = Box::pin(async move { shared.write_all().await });
            // SQLite is written here and now: a task for it would cost more than the writing, most of all the waking of
            // another thread. What has to wait goes on by itself, whatever becomes of this caller.
            if futures::poll!(writing.as_mut()).is_pending() {
                self.0.spawner.spawn(T::NAME, writing);
            }
        }
        told.await.unwrap_or_else(|_| Err(Error::Refused(Problem::internal())))
    }
}

impl<T: Together> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the outcome will be told, and whether the caller has to see to it that somebody writes.
    #[expect(clippy::type_complexity, reason = "said once, and read here")]
    fn enter(&self, item: T) -> Result<(oneshot::Receiver<Result<T::Done, Error>>, bool), Error> {
        let mut state = self.state();
        if state.waiting.len() >= WAITING_MAX {
            return Err(db::Error::Overloaded { waiting: state.waiting.len() }.into());
        }
        let (tell, told) = oneshot::channel();
        state.waiting.push_back((item, tell));
        let starts = state.writers < self.writers_max;
        state.writers += usize::from(starts);
        Ok((told, starts))
    }

    /// Writes until nothing waits. Between two transactions others have their turn: the caller whose own write was in the
    /// first one is not held for those of others.
    async fn write_all(&self) {
        let mut writer = Writer { shared: self, has_ended: false };
        let mut waiting = writer.next();
        while !waiting.is_empty() {
            self.write_some(waiting).await;
            waiting = writer.next();
            if !waiting.is_empty() {
                tokio::task::yield_now().await;
            }
        }
    }

    /// All of these in one transaction; where that fails for the sake of one of them, each by itself.
    async fn write_some(&self, waiting: Vec<Waiting<T>>) {
        let (items, tellers): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        let outcomes = match T::write(&self.db, &items).await {
            Ok(outcomes) => outcomes,
            Err(error) if items.len() == 1 => vec![Err(error.into())],
            Err(
                db::Error::Constraint { .. } | db::Error::Contended(_) | db::Error::NoRow | db::Error::Sql(_),
            ) => {
                let mut outcomes = Vec::with_capacity(items.len());
                for item in items.chunks(1) {
                    outcomes.push(match T::write(&self.db, item).await {
                        Ok(mut one) => one.pop().unwrap_or_else(|| Err(db::Error::NoRow.into())),
                        Err(error) => Err(error.into()),
                    });
                }
                outcomes
            }
            Err(error) => {
                let problem = error.problem();
                tracing::warn!(%error, writes = items.len(), "could not write what waited together");
                items.iter().map(|_| Err(Error::Refused(problem.clone()))).collect()
            }
        };
        for (teller, outcome) in tellers.into_iter().zip(outcomes) {
            // Nobody listens where the client hung up.
            drop(teller.send(outcome));
        }
    }
}

/// One that writes. Dropped in the middle, by a panic, it makes room for the next.
struct Writer<'l, T: Together> {
    shared: &'l Shared<T>,
    has_ended: bool,
}

impl<T: Together> Writer<'_, T> {
    /// The first that wait. None: this writer has ended.
    fn next(&mut self) -> Vec<Waiting<T>> {
        let mut state = self.shared.state();
        let mut rows = 0;
        let fits = state.waiting.iter().take(TOGETHER_MAX).take_while(|(item, _)| {
            rows += item.rows();
            rows <= ROWS_MAX
        });
        let count = fits.count().max(usize::from(!state.waiting.is_empty()));
        if count == 0 {
            state.writers -= 1;
            self.has_ended = true;
        }
        state.waiting.drain(..count).collect()
    }
}

impl<T: Together> Drop for Writer<'_, T> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.shared.state().writers -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Fails as its number says: 1 for its own sake, 2 for all.
    struct Item(i32);
    static WRITES: AtomicUsize = AtomicUsize::new(0);

    impl Together for Item {
        const NAME: &'static str = "test";
        type Done = i32;

        fn rows(&self) -> usize {
            if self.0 == 8 { ROWS_MAX + 1 } else { 1 }
        }

        async fn write(_: &Db, some: &[Self]) -> Result<Vec<Result<i32, Error>>, db::Error> {
            WRITES.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            if some.iter().any(|item| item.0 == 2) {
                return Err(db::Error::Busy);
            }
            if some.iter().any(|item| item.0 == 1) {
                return Err(db::Error::NoRow);
            }
            Ok(some.iter().map(|item| Ok(item.0 * 10)).collect())
        }
    }

    #[tokio::test]
    async fn what_waits_is_written_together_and_told_apart() {
        let folder = std::env::temp_dir().join(format!("socle-ml-together-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let db = Db::open(&db::Config::default(), folder.join("test.db")).await.unwrap();
        let spawner = Spawner::default();
        let line: Line<Item> = Line::new(&db, &spawner);
        let write = async |numbers: &[i32]| {
            let before = WRITES.load(Ordering::Relaxed);
            let all = numbers.iter().map(|number| line.write(Item(*number)));
            let outcomes = futures::future::join_all(all).await;
            let told: Vec<_> =
                outcomes.into_iter().map(|outcome| outcome.map_err(|error| error.problem().status)).collect();
            (told, WRITES.load(Ordering::Relaxed) - before)
        };
        // The first is written at once, and the others wait for it.
        assert_eq!(write(&[3, 4, 5]).await, (vec![Ok(30), Ok(40), Ok(50)], 2));
        // One by one, when it was for the sake of one of them.
        assert_eq!(write(&[3, 1, 5]).await, (vec![Ok(30), Err(500), Ok(50)], 4));
        assert_eq!(write(&[3, 2, 4]).await, (vec![Ok(30), Err(503), Err(503)], 2));
        assert_eq!(write(&[7]).await, (vec![Ok(70)], 1));
        // What is large goes by itself.
        assert_eq!(write(&[7, 8, 7, 7]).await, (vec![Ok(70), Ok(80), Ok(70), Ok(70)], 3));
        let many = vec![6; TOGETHER_MAX + 1];
        assert_eq!(write(&many).await, (vec![Ok(60); TOGETHER_MAX + 1], 2));

        let full: Vec<_> = (0..WAITING_MAX).map(|_| line.0.enter(Item(0)).unwrap()).collect();
        assert!(line.0.enter(Item(0)).is_err(), "the line has an end");
        assert_eq!(full.iter().filter(|(_, starts)| *starts).count(), 1);
        drop(Writer { shared: &line.0, has_ended: false });
        line.0.state().waiting.pop_front();
        assert!(line.0.enter(Item(0)).unwrap().1, "after a writer that was dropped another starts");
        db.close().await;
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
