//! ML: experiments, runs and models, for the clients that people have: `mlflow` from PyPI takes this server for its own.
//!
//! * [`model`]: what names and values may be, the search grammar ([`model::filter`]), points of metrics; no I/O.
//! * [`store`]: SQL, and filters as SQL ([`store::search`]). Callers' texts only ever become parameters.
//! * [`service`]: what people and programs can do; [`http`]: MLflow's paths by MLflow's rules, from one table ([`ROUTES`]).
//!
//! A batch's life: `http::log` reads it in one step; `service::batch` checks all of it, then writes in one transaction
//! params (another value is refused), points and tags. Many points of one metric are a row of packed points
//! (`ml_points`); a few of many metrics go to few rows together, which `store::metrics` sorts by metric once in a while and
//! when the run ends. The greatest point by step, time and value goes to `ml_latest`, which is what searches read. A
//! history is unpacked, sorted and freed of doubles when somebody asks for it.
//!
//! A search's life: `model::filter` turns text into clauses, `store::search` the clauses into one statement. A list that
//! is ordered by a metric is read in three parts (numbers, NaN, none), each along an index, from the place where the page
//! token says that the last page ended. Nothing is counted or skipped, so the thousandth page costs what the first does.
//!
//! Models answer in processes of their own ([`worker`]), begun by `service::serving`. `service::import` takes over another
//! server's things, from itself or from its database file, both of which tell of them in the words of MLflow's API.
//!
//! To add an endpoint: a line in `http/routes.rs`, a handler that asks [`http`]'s `Call` for the permission, a use case.
//! The tests walk the table, and `docs/mlflow.md` lists it.

mod cli;
mod config;
mod error;
mod events;
mod http;
mod jobs;
mod model;
mod permissions;
mod service;
mod store;
mod worker;

pub use config::Config;
pub use http::{Base, MLFLOW_VERSION, Needs, ROUTES, Route};
pub use worker::{Worker, work};

use platform::{BuildError, Manifest, Parts, Platform};

pub const MANIFEST: Manifest = Manifest {
    name: "ml",
    migrations: db::migrations!("migrations"),
    permissions: permissions::ALL,
    topics: events::TOPICS,
    notices: &[],
    settings: &[],
    quotas: service::QUOTAS,
    commands: cli::SHAPES,
};

/// # Errors
///
/// Settings that contradict each other.
pub fn build(platform: &Platform, config: Config) -> Result<Parts, BuildError> {
    build_with(platform, config, Worker::this_program())
}

/// The same with another program for the processes of models.
///
/// # Errors
///
/// Settings that contradict each other.
pub fn build_with(platform: &Platform, config: Config, worker: Worker) -> Result<Parts, BuildError> {
    let ml = service::Ml::new(platform, config, worker)?;
    Ok(Parts {
        routes: http::routes(ml.clone()),
        jobs: jobs::handlers(ml.clone()),
        schedules: jobs::schedules(),
        commands: cli::commands(ml),
        checks: Vec::new(),
        rooms: Vec::new(),
        services: Vec::new(),
    })
}
