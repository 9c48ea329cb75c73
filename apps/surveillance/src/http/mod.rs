//! The doors of `/api/v1/surveillance`.

mod bodies;
mod cameras;
mod csv;
mod events;
mod live;
mod media;
mod models;
mod stats;
mod transfer;

use web::{OpenApiRouter, routes};

use crate::service::Sentinel;

pub(crate) fn routes(sentinel: Sentinel) -> OpenApiRouter {
    web::expect_uploads(models::UPLOAD);
    let uploads = OpenApiRouter::new()
        .routes(routes!(models::list, models::upload))
        .layer(axum::extract::DefaultBodyLimit::max(models::body_max(&sentinel.config)));
    OpenApiRouter::new()
        .routes(routes!(cameras::list, cameras::create))
        .routes(routes!(cameras::test))
        .routes(routes!(cameras::get, cameras::update, cameras::put, cameras::delete))
        .routes(routes!(cameras::configure))
        .routes(routes!(cameras::set_zones))
        .routes(routes!(cameras::restart))
        .routes(routes!(cameras::restore))
        .routes(routes!(live::snapshot))
        .routes(routes!(live::mjpeg))
        .routes(routes!(transfer::export, transfer::import))
        .routes(routes!(events::list))
        .routes(routes!(events::acknowledge_many))
        .routes(routes!(csv::export))
        .routes(routes!(events::get))
        .routes(routes!(events::acknowledge))
        .routes(routes!(media::snapshot))
        .routes(routes!(media::clip))
        .routes(routes!(stats::get))
        .merge(uploads)
        .routes(routes!(models::activate))
        .routes(routes!(models::delete))
        .with_state(sentinel)
}
