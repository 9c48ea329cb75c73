//! What the layers around every module promise, with a module of the test's own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod idempotency;
