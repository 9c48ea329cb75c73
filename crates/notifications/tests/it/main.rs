//! Notifications through HTTP on each engine, with a real mail server and a real receiver of webhooks, both in another
//! language.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod helpers;
mod inbox;
mod mail;
mod webhooks;
