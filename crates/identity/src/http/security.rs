use axum::extract::State;
use http::StatusCode;
use kernel::{Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Allowed, Json, Path};

use super::authenticate::{Signed, Visitor};
use crate::{
    permissions::WriteUsers,
    service::{self, Identity},
};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TotpState {
    enabled: bool,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
}

/// What protects my account.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Security {
    /// There is a password; else I sign in by other means.
    password: bool,
    totp: TotpState,
    recovery_codes_left: u64,
    /// How many there are.
    passkeys: u64,
    /// Passkeys can be used here at all: they need a domain and https.
    passkeys_work: bool,
    /// Accounts elsewhere that sign me in.
    providers: Vec<Linked>,
    /// The policy here asks me for a second factor.
    second_factor_required: bool,
    /// Until when I may change what stands here without showing again who I am.
    #[schema(value_type = String, format = DateTime)]
    confirmed_until: Timestamp,
}

/// An account elsewhere that signs me in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LinkedProvider)]
pub(super) struct Linked {
    /// Of the provider.
    id: String,
    name: String,
    /// The address that it has there.
    #[schema(required)]
    email: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    linked_at: Timestamp,
}

impl From<service::LinkedProvider> for Linked {
    fn from(linked: service::LinkedProvider) -> Self {
        Self { id: linked.id, name: linked.name, email: linked.email, linked_at: linked.linked_at }
    }
}

impl From<service::Security> for Security {
    fn from(security: service::Security) -> Self {
        Self {
            password: security.password,
            totp: TotpState { enabled: security.factors.totp, since: security.totp_since },
            recovery_codes_left: security.factors.recovery_codes,
            passkeys: security.factors.passkeys,
            passkeys_work: security.passkeys_work,
            providers: security.providers.into_iter().map(Linked::from).collect(),
            second_factor_required: security.required,
            confirmed_until: security.confirmed_until,
        }
    }
}

/// See what protects my account
#[utoipa::path(get, path = "/api/v1/auth/security", tag = "security", operation_id = "get_security",
    responses((status = 200, body = Security)))]
pub(super) async fn show(
    State(identity): State<Identity>,
    visitor: Visitor,
    signed: Signed,
) -> web::Result<Json<Security>> {
    let host = visitor.request.host.as_deref();
    Ok(Json(identity.security(&signed.ctx, &signed.signed_in, host).await?.into()))
}

/// Reset a user's second factor
///
/// For who lost theirs: authenticator app, recovery codes and passkeys are gone, every session is over, and the user is told
/// by mail. Only for accounts at home in the workspace.
#[utoipa::path(delete, path = "/api/v1/users/{id}/second-factor", tag = "users", operation_id = "reset_second_factor",
    params(("id" = String, Path)), responses((status = 204, description = "From now on the password is enough.")))]
pub(super) async fn reset(
    State(identity): State<Identity>,
    visitor: Visitor,
    Allowed(allow): Allowed<WriteUsers>,
    Path(id): Path<UserId>,
) -> web::Result<StatusCode> {
    identity.reset_second_factor(&allow, &visitor.visit, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
