use crate::error::Error;

/// What an endpoint of OAuth answers in its own form (RFC 6749 §5.2), or an error like any other.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OAuthError {
    #[error("{description}")]
    Fault { code: &'static str, description: String },
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<db::Error> for OAuthError {
    fn from(error: db::Error) -> Self {
        Self::Failed(error.into())
    }
}

macro_rules! faults {
    ($($name:ident = $code:literal;)*) => {
        impl OAuthError {
            $(pub(crate) fn $name(description: impl Into<String>) -> Self {
                Self::Fault { code: $code, description: description.into() }
            })*
        }
    };
}

faults! {
    invalid_request = "invalid_request";
    invalid_client = "invalid_client";
    invalid_grant = "invalid_grant";
    invalid_target = "invalid_target";
    unauthorized_client = "unauthorized_client";
    invalid_scope = "invalid_scope";
    unsupported_grant_type = "unsupported_grant_type";
}
