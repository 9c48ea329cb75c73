//! Where the work at hand stands in a distributed trace, from the request that began it to the calls that it makes.
//!
//! With traces on, that is the OpenTelemetry side of the current `tracing` span. With traces off, what the caller sent is
//! passed on as it came, so that Socle does not break a trace that goes through it.

use std::sync::atomic::{AtomicBool, Ordering};

use kernel::{RequestId, TraceParent};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// What goes along with a request or a job, through all that it awaits.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub request_id: Option<RequestId>,
    /// As it came in.
    pub trace_parent: Option<TraceParent>,
}

tokio::task_local! {
    static SCOPE: Scope;
}

/// Runs `work` as part of a request or a job.
pub async fn within<F: Future>(scope: Scope, work: F) -> F::Output {
    SCOPE.scope(scope, work).await
}

/// What the work at hand is part of, for a task that goes on with it.
pub fn scope() -> Scope {
    SCOPE.try_with(Scope::clone).unwrap_or_default()
}

/// The request that the work at hand is part of.
pub fn request_id() -> Option<RequestId> {
    SCOPE.try_with(|scope| scope.request_id.clone()).ok()?
}

/// Whether spans are sent anywhere in this process.
static IS_ON: AtomicBool = AtomicBool::new(false);

pub(crate) fn turn_on() {
    IS_ON.store(true, Ordering::Relaxed);
}

pub fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

/// How traces call a span and what kind of work it is (`server`, `client`, `consumer`): for spans that have the empty
/// fields `otel.name` and `otel.kind`. Must come before [`of`].
pub fn name(span: &Span, kind: &'static str, name: impl FnOnce() -> String) {
    if is_on() {
        span.record("otel.kind", kind);
        span.record("otel.name", name());
    }
}

/// Where the current span stands; else what the caller sent.
pub fn current() -> Option<TraceParent> {
    of(&Span::current()).or_else(|| SCOPE.try_with(|scope| scope.trace_parent.clone()).ok()?)
}

/// Where a span stands, if traces are on. Its parent cannot be changed after this.
pub fn of(span: &Span) -> Option<TraceParent> {
    if !is_on() {
        return None;
    }
    let context = span.context();
    let reference = context.span();
    let span = reference.span_context();
    let trace = u128::from_be_bytes(span.trace_id().to_bytes());
    let parent = u64::from_be_bytes(span.span_id().to_bytes());
    let state = span.trace_state().header();
    Some(TraceParent::new(trace, parent, span.trace_flags().to_u8())?.with_state(&state))
}

/// Makes a new span a part of the trace that came from elsewhere.
pub fn continue_from(span: &Span, parent: &TraceParent) {
    if !is_on() {
        return;
    }
    let state = parent.state().and_then(|state| state.parse::<TraceState>().ok()).unwrap_or_default();
    let remote = SpanContext::new(
        TraceId::from_bytes(parent.trace_id().to_be_bytes()),
        SpanId::from_bytes(parent.parent_id().to_be_bytes()),
        TraceFlags::new(parent.flags()),
        true,
        state,
    );
    // A span that the filter left out has no parent to set.
    let _ = span.set_parent(Context::new().with_remote_span_context(remote));
}
