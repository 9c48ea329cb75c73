use std::time::Duration;

/// How one upstream is called; see the same names in [`crate::Config`].
#[derive(Debug, Clone)]
pub struct Policy {
    /// One attempt, to the end of its answer; for an answer read in pieces, to its head, and then from piece to piece.
    pub timeout: Duration,
    /// All attempts and pauses.
    pub total_timeout: Duration,
    pub attempts: u32,
    /// First pause; each one after is twice as long, and a random part of itself longer.
    pub backoff_min: Duration,
    pub backoff_max: Duration,
    pub bytes_max: u64,
    pub concurrency_max: usize,
    pub queue_timeout: Duration,
    pub breaker_failures: u32,
    pub breaker_open: Duration,
    /// Whether `GET` and `HEAD` follow redirects, five at most; headers of the caller's own leave its origin with none.
    pub redirects: bool,
    /// No check of addresses: for what the administrator named, never for what a user can choose.
    pub private_allowed: bool,
}
