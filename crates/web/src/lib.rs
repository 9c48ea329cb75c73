//! HTTP as every module of Socle speaks it.
//!
//! A handler unpacks, calls its service, and packs:
//! ```ignore
//! async fn get(State(exams): State<Exams>, Allowed(allow): Allowed<ReadExams>, Path(id): Path<ExamId>) -> web::Result<Json<ExamBody>> {
//!     Ok(Json(exams.get(&allow, id).await?.into()))
//! }
//! ```
//! * [`Json`], [`Path`], [`Query`] answer bad input with a problem body that names the field.
//! * [`Allowed<P>`] is the permission check; [`Caller`] any signed-in caller; [`MaybeCaller`] anybody.
//! * [`Error`] takes any module's error by its `ToProblem`; the body is written in one place, [`middleware`].
//! * [`Page`] and [`Feed`] are the two shapes of lists.
//! * [`openapi::finish`] gives every operation the answers that come from here and not from the handler.

mod address;
mod auth;
mod drain;
mod error;
mod extract;
mod list;
pub mod middleware;
pub mod openapi;
mod patience;
mod rewrite;

pub use auth::{Allowed, Authenticate, Authenticator, Caller, MaybeCaller, Request};
pub use error::{Error, FieldErrorBody, ProblemBody, Result, count_upload, expect_uploads};
pub use extract::{Json, Path, Query, TypedBody};
pub use list::{Cursor, Feed, Page, PageQuery};
pub use patience::Patience;
pub use rewrite::{Alias, Rewrite};
pub use utoipa_axum::{router::OpenApiRouter, routes};

/// Where the API lives.
pub const BASE: &str = "/api/v1";
