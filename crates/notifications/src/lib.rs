//! Tells people and other systems what happened: in the application, by mail, by signed webhooks.
//!
//! A notification's life: a module enqueues [`platform::Notify`] in the transaction in which something happens. The task
//! finds the people whom it is for, asks each one's preferences, and in one transaction with its own end writes a row for
//! the list in the application (told to the room `user:{id}`) and a row for the next mail. Mails go out by tasks of their
//! own: at once, when quiet hours end, or with the digest.
//!
//! A webhook's message: `service::reader` reads the outbox of `realtime` from a position that it keeps, writes a delivery
//! for each webhook that listens, and a task for each delivery, all in the transaction that moves the position. The task
//! makes one attempt through `outbound`, signs it as Standard Webhooks say, and orders the next one if it must.
//!
//! Nothing is told twice in the application; a mail or a message may go out twice when the process dies between its being
//! taken and our commit, under the same id.

mod cli;
mod config;
mod error;
mod events;
mod http;
mod jobs;
mod mail;
mod model;
mod permissions;
mod service;
mod store;

use anyhow::ensure;
use platform::{BuildError, Manifest, Parts, Platform, Role, Service};

pub use config::{Config, MailConfig};

/// What this module owns.
pub const MANIFEST: Manifest = Manifest {
    name: "notifications",
    migrations: db::migrations!("migrations"),
    permissions: permissions::ALL,
    topics: events::TOPICS,
    notices: events::NOTICES,
    settings: &[],
    quotas: &[],
    commands: cli::SHAPES,
};

/// `manifests` are those of all modules: what they tell, and what webhooks can hear.
///
/// # Errors
///
/// Settings that are wrong, and templates that do not read.
pub fn build(
    platform: &Platform,
    mail: MailConfig,
    config: Config,
    manifests: &[&'static Manifest],
) -> Result<Parts, BuildError> {
    let faults = [mail.validate(), config.validate()].concat();
    ensure!(faults.is_empty(), "{}", faults.join("; "));
    let notifications = service::Notifications::new(platform, &mail, config, manifests)?;
    service::watch_failures(platform, notifications.clone());
    let (reader, keeper) = (notifications.clone(), notifications.clone());
    Ok(Parts {
        routes: http::routes(notifications.clone()),
        jobs: jobs::handlers(notifications.clone()),
        schedules: Vec::new(),
        commands: cli::commands(notifications),
        checks: Vec::new(),
        rooms: Vec::new(),
        services: vec![
            Service::new("webhooks", Role::Worker, move |stop| reader.read_outbox(stop)),
            Service::new("upkeep of notifications", Role::Worker, move |stop| keeper.keep(stop)),
        ],
    })
}
