mod cache;
mod health;
mod limits;
mod queues;
mod schedules;
mod settings;
mod system;
mod tasks;

use web::{OpenApiRouter, routes};

use crate::service::Admin;

pub(crate) fn routes(admin: Admin) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(tasks::list))
        .routes(routes!(tasks::get, tasks::discard))
        .routes(routes!(tasks::get_older))
        .routes(routes!(tasks::cancel))
        .routes(routes!(tasks::retry))
        .routes(routes!(cache::get, cache::clear))
        .routes(routes!(cache::clear_namespace))
        .routes(routes!(cache::get_entry, cache::delete_entry))
        .routes(routes!(limits::get))
        .routes(routes!(queues::list))
        .routes(routes!(queues::pause))
        .routes(routes!(queues::resume))
        .routes(routes!(schedules::list))
        .routes(routes!(schedules::get, schedules::update))
        .routes(routes!(schedules::reset))
        .routes(routes!(schedules::run))
        .routes(routes!(schedules::runs))
        .routes(routes!(system::get))
        .routes(routes!(settings::list))
        .routes(routes!(settings::set, settings::reset))
        .routes(routes!(settings::changes))
        .routes(routes!(settings::undo))
        .routes(routes!(settings::installation))
        .routes(routes!(health::health))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
        .with_state(admin)
}
