//! `socle cache …`, `socle jobs …`, `socle schedule …` and `socle settings …`: for whoever holds the machine, so over all
//! workspaces.

mod cache;
mod jobs;
mod schedules;
mod settings;
mod table;

pub use self::{
    cache::{CacheCommand, run_cache_command},
    jobs::{JobsCommand, run_jobs_command},
    schedules::{ScheduleCommand, run_schedule_command},
    settings::{SettingsCommand, run_settings_command},
};
