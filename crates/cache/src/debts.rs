//! Deletes that Redis was not there to hear: paid when it is back, so that a partition does not bring old values to life.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::runtime::Handle;

use crate::shared::Shared;

/// Beyond this many, whole namespaces are owed.
const DEBTS_MAX: usize = 1_000;
const TRY_EVERY: Duration = Duration::from_millis(100);

/// A prefix and what of it fits.
type Debt = (String, String);

#[derive(Default)]
pub(crate) struct Debts {
    owed: Mutex<HashSet<Debt>>,
    /// Something is owed, and the task that pays is at work. Changed only under the lock.
    is_paying: AtomicBool,
}

impl Debts {
    fn owed(&self) -> MutexGuard<'_, HashSet<Debt>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a value in Redis may be one that was deleted.
    pub(crate) fn covers(&self, key: &str) -> bool {
        self.is_paying.load(Ordering::Acquire)
            && self.owed().iter().any(|(prefix, pattern)| {
                key.strip_prefix(prefix.as_str())
                    .is_some_and(|rest| crate::key::fits(pattern.as_bytes(), rest.as_bytes()))
            })
    }

    pub(crate) fn owe(self: &Arc<Self>, shared: &Shared, prefix: String, pattern: String) {
        let mut owed = self.owed();
        if owed.len() < DEBTS_MAX {
            owed.insert((prefix, pattern));
        } else {
            let namespace = prefix.split(':').next().unwrap_or_default();
            owed.insert((format!("{namespace}:"), "*".to_owned()));
        }
        if !self.is_paying.swap(true, Ordering::AcqRel) {
            // Outside the tracked spawner: a process that stops forgets its debts; entries expire.
            drop(Handle::current().spawn(pay(Arc::downgrade(self), shared.clone())));
        }
    }
}

async fn pay(debts: Weak<Debts>, shared: Shared) {
    loop {
        tokio::time::sleep(TRY_EVERY).await;
        let Some(debts) = debts.upgrade() else { return };
        let owed: Vec<Debt> = debts.owed().iter().cloned().collect();
        for debt in owed {
            // `*` and `?` in a key are more than that key: a delete too many harms nobody.
            if shared.delete_pattern(&debt.0, &debt.1).await.is_err() {
                break;
            }
            debts.owed().remove(&debt);
        }
        let owed = debts.owed();
        if owed.is_empty() {
            debts.is_paying.store(false, Ordering::Release);
            return;
        }
    }
}
