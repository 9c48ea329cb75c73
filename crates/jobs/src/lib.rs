//! Background work that survives `kill -9`, on SQLite and PostgreSQL.
//!
//! A module names its work ([`Job`]), makes tasks of it in its own transactions ([`Jobs::enqueue`]) and gives the bodies
//! ([`Handlers`]); any number of processes run them ([`Jobs::run`]). Why the tables are our own:
//! `docs/decisions/0002-jobs.md`.
//!
//! A task's life: `enqueue` writes a `PENDING` row. A worker claims it (`RUNNING`), under a fence: a number that grows
//! with each claim and rescue, and that every later write of the attempt must show. The body reports progress and ends:
//! `SUCCEEDED` with a result, `RETRYING` after a backoff, `FAILED` with a problem when no attempt is left or none can
//! succeed, `CANCELLED` when somebody asked for that.
//!
//! A worker's life: it counts a beat in `jobs_workers`. Every worker watches the others' beats against its own monotonic
//! clock, so wrong or jumping wall clocks cannot kill anybody who beats. Who does not for `jobs.lease_ms` is struck off,
//! and its tasks go back in line at their old place. Should it only have been asleep, its fence no longer fits: it can
//! neither complete the task nor, if the body uses [`JobContext::complete_in`], commit any effect.
//!
//! Exactly once therefore holds for effects in the database that commit with `complete_in`. All others (files, mail,
//! HTTP) happen at least once, and their bodies must bear a repetition.

mod config;
mod context;
mod error;
mod handlers;
mod model;
mod queue;
mod schedule;
mod store;
mod wake;
mod worker;

pub use config::Config;
pub use context::JobContext;
pub use error::{Error, Result};
pub use handlers::{Handlers, Job, JobError};
pub use model::{
    Enqueue, Options, Priority, QueueState, State, StateError, Steer, Steered, Task, TaskChange, TaskFilter,
    TaskList,
};
pub use queue::{Gate, Jobs, installation};
pub use schedule::{
    CatchUp, Firing, Reason, Rule, RuleError, Run, Schedule, ScheduleChange, ScheduleRunId, ScheduleState,
    Schedules,
};

/// The tables of this crate; module name `jobs`.
pub const MIGRATIONS: db::Migrations = db::migrations!("migrations");
