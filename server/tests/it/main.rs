//! The binary as people start it: real processes, real ports, real databases.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod bad_starts;
mod compat;
mod crash;
mod database;
mod disk_full;
mod exit_codes;
mod fill;
mod harness;
mod identity_nodes;
mod jobs;
mod limits;
mod lists;
mod ml;
mod nodes;
mod openapi;
mod outage;
mod pages;
mod prometheus;
mod realtime;
mod redis_faults;
mod secrets;
mod settings;
mod slow_head;
mod traces;
mod transfer;
mod walk;
mod webhooks;
