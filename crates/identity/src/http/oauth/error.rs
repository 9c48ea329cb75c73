use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{error::Error, model::oauth::OAuthError};

pub(super) type Result<T, E = Refused> = std::result::Result<T, E>;

/// An error in the form of RFC 6749 §5.2, which clients' libraries read.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OAuthErrorBody {
    #[schema(example = "invalid_grant")]
    error: &'static str,
    error_description: String,
}

/// On its way out.
pub(super) struct Refused(pub(super) OAuthError);

impl<E: Into<OAuthError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (code, description) = match self.0 {
            OAuthError::Fault { code, description } => (code, description),
            OAuthError::Failed(error @ Error::Invalid { .. }) => ("invalid_request", error.to_string()),
            OAuthError::Failed(error) => return web::Error::from(error).into_response(),
        };
        let status =
            if code == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        let mut response =
            (status, Json(OAuthErrorBody { error: code, error_description: description })).into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            // RFC 6749 §5.2: the scheme by which a client may authenticate.
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"oauth\", charset=\"UTF-8\""),
            );
        }
        response
    }
}
