//! What limiters of modules said while one request was answered, for the headers of its answer.

use std::cell::RefCell;

use crate::{
    bucket::Bucket,
    quota::{Left, Quota, Refused},
};

tokio::task_local! {
    static NOTED: RefCell<Vec<Noted>>;
}

/// What a limiter said last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    pub name: String,
    pub quota: Quota,
    pub left: Left,
}

/// Does the work, and tells what limiters said in it, each once. Not what they say in tasks that the work starts.
pub async fn noting<F: Future>(work: F) -> (F::Output, Vec<Noted>) {
    let work = async {
        let output = work.await;
        (output, NOTED.with(RefCell::take))
    };
    NOTED.scope(RefCell::default(), work).await
}

pub(crate) fn note(bucket: &Bucket, outcome: &Result<Left, Refused>) {
    let left = match outcome {
        Ok(left) => *left,
        Err(refused) => Left { remaining: 0, reset_s: refused.retry_after_s },
    };
    with(|noted| match noted.iter_mut().find(|known| known.name == bucket.name) {
        Some(known) => known.left = left,
        None => noted.push(Noted { name: bucket.name.clone(), quota: bucket.quota, left }),
    });
}

pub(crate) fn note_given_back(bucket: &Bucket, cost: u32) {
    with(|noted| {
        let Some(Noted { quota, left, .. }) = noted.iter_mut().find(|known| known.name == bucket.name) else {
            return;
        };
        let back = quota.cost(cost);
        left.remaining = left.remaining.saturating_add(back).min(quota.burst());
        left.reset_s = left.reset_s.saturating_sub((quota.step() * back).as_secs());
    });
}

/// Nothing where nobody listens.
fn with(change: impl FnOnce(&mut Vec<Noted>)) {
    let _ = NOTED.try_with(|noted| change(&mut noted.borrow_mut()));
}
