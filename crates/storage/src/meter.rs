//! What operations on files came to.

use std::time::Instant;

use crate::{Error, Result};

const OPS: [&str; 6] = ["put", "head", "get", "read", "delete", "list"];
const OUTCOMES: [&str; 4] = ["ok", "not_found", "refused", "error"];

/// Every count is there from the start, at zero: a rate sees no first failure of a series that begins with it.
pub(crate) fn begin() {
    for (op, outcome) in OPS.into_iter().flat_map(|op| OUTCOMES.map(|outcome| (op, outcome))) {
        metrics::counter!("storage_operations_total", "op" => op, "outcome" => outcome).increment(0);
    }
}

/// Runs one operation, and counts and times it.
pub(crate) async fn measured<T>(op: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let begun = Instant::now();
    let outcome = work.await;
    metrics::histogram!("storage_duration_seconds", "op" => op).record(begun.elapsed().as_secs_f64());
    count(op, &outcome);
    outcome
}

/// Counts what went wrong in the middle of a file; what went well was counted when it began.
pub(crate) fn counted<T>(op: &'static str, outcome: Result<T>) -> Result<T> {
    if outcome.is_err() {
        count(op, &outcome);
    }
    outcome
}

fn count<T>(op: &'static str, outcome: &Result<T>) {
    let outcome = match outcome {
        Ok(_) => "ok",
        Err(Error::NotFound(_)) => "not_found",
        // The caller's mistake, not the store's.
        Err(Error::Key(_)) => "refused",
        Err(_) => "error",
    };
    metrics::counter!("storage_operations_total", "op" => op, "outcome" => outcome).increment(1);
}
