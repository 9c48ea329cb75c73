//! Writes how attempts ended: those that end while a transaction is under way share the next one.

use std::sync::{Arc, Weak};

use tokio::sync::{mpsc, oneshot};

use super::{
    Worker,
    store::{self, Claimed, Settlement},
};
use crate::{Error, Result};

/// One end that waits to be written.
pub(super) struct Ended {
    task: Arc<Claimed>,
    settlement: Settlement,
    written: oneshot::Sender<Result<bool>>,
}

/// At most this many in one transaction: SQLite's writer should come free again within milliseconds.
const BATCH: usize = 256;

pub(super) type Settlements = mpsc::UnboundedSender<Ended>;

/// Writes one end. False if the task was no longer this attempt's.
pub(super) async fn write(worker: &Worker, task: &Arc<Claimed>, settlement: &Settlement) -> Result<bool> {
    let (written, answer) = oneshot::channel();
    let ended = Ended { task: task.clone(), settlement: settlement.clone(), written };
    if worker.settlements.send(ended).is_err() {
        return Err(Error::Stopped);
    }
    answer.await.unwrap_or(Err(Error::Stopped))
}

pub(super) async fn run(worker: Weak<Worker>, mut ends: mpsc::UnboundedReceiver<Ended>) {
    let mut batch = Vec::new();
    while ends.recv_many(&mut batch, BATCH).await > 0 {
        let Some(worker) = worker.upgrade() else { return };
        match together(&worker, &batch).await {
            Ok(outcomes) => {
                for (ended, outcome) in batch.drain(..).zip(outcomes) {
                    // Nobody waits if the attempt was dropped.
                    let _ = ended.written.send(Ok(outcome));
                }
            }
            // One that the database does not take must not hold the others up.
            Err(_) if batch.len() > 1 => {
                for ended in batch.drain(..) {
                    let outcome = together(&worker, std::slice::from_ref(&ended)).await;
                    let _ = ended.written.send(outcome.map(|outcomes| outcomes == [true]));
                }
            }
            Err(error) => {
                if let Some(ended) = batch.pop() {
                    let _ = ended.written.send(Err(error));
                }
            }
        }
    }
}

async fn together(worker: &Worker, batch: &[Ended]) -> Result<Vec<bool>> {
    let mut tx = worker.jobs.db.begin().await?;
    let (now, keep) = (worker.jobs.clock.now(), worker.jobs.keep());
    let ends: Vec<_> = batch.iter().map(|ended| (&*ended.task, &ended.settlement)).collect();
    let outcomes = store::settle_all(&mut tx, &ends, now, keep).await?;
    tx.commit().await?;
    Ok(outcomes)
}
