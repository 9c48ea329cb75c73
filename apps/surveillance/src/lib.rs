//! Sentinel: cameras in, people and anomalies out.
//!
//! * [`model`]: cameras, zones, events, as values with their rules.
//! * [`capture`]: one supervised ffmpeg child per camera; pictures, health, recording.
//! * [`runtime`]: a worker per camera that looks at the pictures (engine `vision`) and keeps the book of events.
//! * [`service`]: what people and jobs can do; [`store`]: SQL; [`http`], [`jobs`], [`cli`]: the doors.
//!
//! An event's life: the engine says that an anomaly started → the camera's book writes the row, its counts and the
//! message to the workspace in one transaction → updates follow, and the best moment's snapshot → the end, in whose
//! transaction the job `surveillance.make_clip` is ordered → the job joins the recorded pieces around it into an MP4,
//! puts that into the file store whole, and says `ready` last. After `kill -9` what was active is ended where it was last
//! seen, and its clip is made from what is on disk.

mod capture;
mod cli;
mod config;
mod error;
mod events;
mod http;
mod jobs;
mod model;
mod permissions;
mod quotas;
mod runtime;
mod service;
mod settings;
mod store;

pub use cli::{analyze, analyze_command};
pub use config::Config;
pub use model::{CameraId, EventId, ModelId, ZoneId};

use kernel::Problem;
use platform::{BuildError, Check, Manifest, Parts, Platform, Role, Service};
use realtime::RoomGuard;

pub const MANIFEST: Manifest = Manifest {
    name: "surveillance",
    migrations: db::migrations!("migrations"),
    permissions: permissions::ALL,
    topics: events::TOPICS,
    notices: events::NOTICES,
    settings: settings::SETTINGS,
    quotas: quotas::ALL,
    commands: cli::SHAPES,
};

/// Paths that older clients use.
pub const ALIASES: &[web::Alias] = &[
    web::Alias { from: "/video_feed/{}", to: "/api/v1/surveillance/cameras/{}/live.mjpeg" },
    web::Alias { from: "/api/cameras", to: "/api/v1/surveillance/cameras" },
    web::Alias { from: "/api/cameras/{}", to: "/api/v1/surveillance/cameras/{}" },
    web::Alias { from: "/api/cameras/{}/config", to: "/api/v1/surveillance/cameras/{}/config" },
    web::Alias { from: "/api/events", to: "/api/v1/surveillance/events" },
    web::Alias { from: "/api/event/{}/acknowledge", to: "/api/v1/surveillance/events/{}/acknowledge" },
    web::Alias { from: "/api/export/events/csv", to: "/api/v1/surveillance/events.csv" },
    web::Alias { from: "/api/stats", to: "/api/v1/surveillance/stats" },
    web::Alias { from: "/api/dashboard/stats", to: "/api/v1/surveillance/stats" },
];

/// # Errors
///
/// Settings that contradict each other.
pub fn build(platform: &Platform, config: Config) -> Result<Parts, BuildError> {
    let sentinel = service::Sentinel::new(platform, config)?;
    let cameras = sentinel.clone();
    let checked = sentinel.clone();
    Ok(Parts {
        routes: http::routes(sentinel.clone()),
        jobs: jobs::handlers(sentinel.clone()),
        schedules: jobs::schedules(),
        commands: cli::commands(&sentinel),
        checks: vec![Check::new("cameras", false, move || {
            let sentinel = checked.clone();
            async move {
                sentinel.ffmpeg.find().map_err(|error| error.to_string())?;
                sentinel.fleet.summary()
            }
        })],
        rooms: vec![room(sentinel.clone()), all_cameras()],
        services: vec![Service::new("cameras", Role::Camera, move |stop| runtime::run(cameras, stop))],
    })
}

/// A camera's room is for those who may see the camera.
fn room(sentinel: service::Sentinel) -> RoomGuard {
    RoomGuard::new(events::CAMERA_ROOM, move |ctx, id| {
        let sentinel = sentinel.clone();
        async move {
            let allow = ctx
                .allow::<permissions::ReadCameras>()
                .map_err(|denied| kernel::ToProblem::problem(&denied))?;
            let unknown =
                || Problem::not_found("surveillance.camera-not-found", format!("camera {id} does not exist"));
            let id = id.parse().map_err(|_| unknown())?;
            sentinel.get_camera(&allow, id).await.map_err(|error| kernel::ToProblem::problem(&error))?;
            Ok(())
        }
    })
}

/// `cameras:{workspace}` is for those of the workspace who may see its cameras.
fn all_cameras() -> RoomGuard {
    RoomGuard::new(events::CAMERAS_ROOM, |ctx, id| async move {
        ctx.allow::<permissions::ReadCameras>().map_err(|denied| kernel::ToProblem::problem(&denied))?;
        if ctx.workspace.to_string() == id {
            Ok(())
        } else {
            Err(Problem::forbidden("realtime.room-denied", "this room is not for this caller"))
        }
    })
}
