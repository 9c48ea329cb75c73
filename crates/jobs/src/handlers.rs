use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use kernel::Problem;
use serde::{Serialize, de::DeserializeOwned};

use crate::{JobContext, Options};

/// A kind of task: its arguments, which should be ids rather than data.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// `module.verb_thing`, for example `surveillance.analyze_clip`. Never changes once tasks of it are stored.
    const KIND: &'static str;

    fn options() -> Options {
        Options::default()
    }

    /// While an unfinished task with this key is in the workspace, enqueueing gives that one's id.
    fn unique_key(&self) -> Option<String> {
        None
    }
}

type Body =
    Arc<dyn Fn(JobContext, String) -> BoxFuture<'static, Result<serde_json::Value, JobError>> + Send + Sync>;

pub(crate) struct Handler {
    pub(crate) kind: &'static str,
    pub(crate) body: Body,
}

/// What a worker does for each kind of task.
#[derive(Default)]
pub struct Handlers(HashMap<&'static str, Handler>);

impl Handlers {
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers the body of a kind: `.on(|ctx: JobContext, job: AnalyzeClip| async move { … })`.
    ///
    /// # Panics
    ///
    /// If the kind has a body already: two modules chose one name.
    #[must_use]
    pub fn on<J, F, R>(mut self, body: F) -> Self
    where
        J: Job,
        F: Fn(JobContext, J) -> R + Send + Sync + 'static,
        R: Future<Output = Result<serde_json::Value, JobError>> + Send + 'static,
    {
        let body = Arc::new(body);
        let run: Body = Arc::new(move |ctx, args| {
            let body = body.clone();
            Box::pin(async move {
                // Arguments that do not parse now will not parse later.
                let job = serde_json::from_str(&args).map_err(|error| {
                    JobError::fatal(Problem::new(
                        500,
                        "jobs.bad-arguments",
                        format!("the stored arguments of this {} task cannot be read: {error}", J::KIND),
                    ))
                })?;
                body(ctx, job).await
            })
        });
        self.add(Handler { kind: J::KIND, body: run });
        self
    }

    /// Both together.
    ///
    /// # Panics
    ///
    /// As [`on`](Self::on).
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        for handler in other.0.into_values() {
            self.add(handler);
        }
        self
    }

    /// The kinds that have a body, sorted.
    pub fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<_> = self.0.keys().copied().collect();
        kinds.sort_unstable();
        kinds
    }

    pub(crate) fn get(&self, kind: &str) -> Option<&Handler> {
        self.0.get(kind)
    }

    fn add(&mut self, handler: Handler) {
        let kind = handler.kind;
        assert!(self.0.insert(kind, handler).is_none(), "two bodies for jobs of kind {kind}");
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.kinds()).finish()
    }
}

/// How an attempt fails. Any error becomes [`JobError::Retry`] through `?`.
#[derive(Debug)]
pub enum JobError {
    /// Try again later, up to the kind's `max_attempts`. `after`: not before this time, instead of the usual backoff.
    Retry { source: Box<dyn std::error::Error + Send + Sync>, after: Option<Duration> },
    /// No attempt can succeed; the caller reads the problem. Boxed, because a `Result` is as large as its error.
    Fatal(Box<Problem>),
}

impl JobError {
    pub fn retry(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Retry { source: source.into(), after: None }
    }

    pub fn retry_after(source: impl Into<Box<dyn std::error::Error + Send + Sync>>, after: Duration) -> Self {
        Self::Retry { source: source.into(), after: Some(after) }
    }

    pub fn fatal(problem: Problem) -> Self {
        Self::Fatal(Box::new(problem))
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for JobError {
    fn from(error: E) -> Self {
        Self::retry(error)
    }
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += ": ";
        text += &cause.to_string();
        source = cause.source();
    }
    text
}
