use axum::extract::State;
use http::StatusCode;
use kernel::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{Json, TypedBody};

use super::{authenticate::Visitor, bodies::Locale};
use crate::{
    error::Error,
    service::{Identity, Registration},
};

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RegistrationState {
    Open,
    Closed,
}

/// What the sign-in page may offer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SignInOptions {
    registration: RegistrationState,
    /// A mail server is configured: who forgot the password can get a link.
    password_reset: bool,
    /// One can sign in by a passkey at the address that asks.
    passkeys: bool,
    /// Other OpenID providers: a button for each, to `/api/v1/auth/providers/{id}/start`.
    providers: Vec<ProviderRef>,
}

/// Another OpenID provider that signs people in here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Provider)]
pub(super) struct ProviderRef {
    id: String,
    name: String,
}

/// Ask what the sign-in page may offer
#[utoipa::path(get, path = "/api/v1/auth/options", tag = "auth", operation_id = "sign_in_options", security(()),
    responses((status = 200, body = SignInOptions)))]
pub(super) async fn options(
    State(identity): State<Identity>,
    visitor: Visitor,
) -> web::Result<Json<SignInOptions>> {
    let registration = match identity.registration().await? {
        Some(_) => RegistrationState::Open,
        None => RegistrationState::Closed,
    };
    let passkeys = identity.offers_passkeys(visitor.request.host.as_deref());
    let providers =
        identity.list_providers().into_iter().map(|(id, name)| ProviderRef { id, name }).collect();
    Ok(Json(SignInOptions { registration, password_reset: identity.sends_mail(), passkeys, providers }))
}

/// Somebody who wants an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RegisterRequest {
    email: String,
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    password: Secret<String>,
    #[serde(default)]
    #[schema(max_length = 100)]
    first_name: String,
    #[serde(default)]
    #[schema(max_length = 100)]
    last_name: String,
    /// The language of the mail and of the console; default: that of the request.
    #[serde(default)]
    locale: Option<Locale>,
}

/// Something that goes on by mail.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ByMail {
    #[schema(example = "pending")]
    status: &'static str,
    message: &'static str,
}

/// Make an account
///
/// Where `identity.registration` is open. The answer is the same whether the address has an account or not; the rest goes by
/// mail. The account gets the password that came with the registration whose link is used.
#[utoipa::path(post, path = "/api/v1/auth/register", tag = "auth", operation_id = "register", security(()),
    request_body = RegisterRequest,
    responses((status = 202, body = ByMail), (status = 403, description = "Registration is closed.")))]
pub(super) async fn register(
    State(identity): State<Identity>,
    visitor: Visitor,
    body: TypedBody,
) -> web::Result<(StatusCode, Json<ByMail>)> {
    // Before the body is looked at: what it lacks does not matter where nobody may register.
    if identity.registration().await?.is_none() {
        return Err(Error::RegistrationClosed.into());
    }
    if body.content_type != "application/json" {
        return Err(body.unsupported("application/json"));
    }
    let body: RegisterRequest = body.json()?;
    let registration = Registration {
        email: body.email,
        password: body.password,
        first_name: body.first_name,
        last_name: body.last_name,
        locale: body.locale.map(kernel::Locale::from).or(Some(visitor.visit.locale)),
    };
    identity.register(&visitor.visit, registration).await?;
    let message = "a mail is on its way: its link confirms the address and works for a day";
    Ok((StatusCode::ACCEPTED, Json(ByMail { status: "pending", message })))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkRequest {
    /// From the link.
    #[schema(value_type = String)]
    pub(super) token: Secret<String>,
}

/// Confirm the address of an account
#[utoipa::path(post, path = "/api/v1/auth/verify", tag = "auth", operation_id = "verify_email", security(()),
    request_body = LinkRequest,
    responses((status = 204, description = "Confirmed: the account can sign in."),
        (status = 410, description = "The link does not work, or no longer.")))]
pub(super) async fn verify(
    State(identity): State<Identity>,
    visitor: Visitor,
    Json(body): Json<LinkRequest>,
) -> web::Result<StatusCode> {
    identity.verify_email(&visitor.visit, body.token.expose()).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddressRequest {
    pub(super) email: String,
}

/// Send the link that confirms an address again
///
/// The answer is the same whether there is anything to confirm or not.
#[utoipa::path(post, path = "/api/v1/auth/verify/resend", tag = "auth", operation_id = "resend_verification",
    security(()), request_body = AddressRequest, responses((status = 202, body = ByMail)))]
pub(super) async fn resend(
    State(identity): State<Identity>,
    visitor: Visitor,
    Json(body): Json<AddressRequest>,
) -> web::Result<(StatusCode, Json<ByMail>)> {
    identity.resend_verification(&visitor.visit, &body.email).await?;
    Ok(sent())
}

pub(super) fn sent() -> (StatusCode, Json<ByMail>) {
    let message = "if this address is one that waits for it, a mail is on its way";
    (StatusCode::ACCEPTED, Json(ByMail { status: "pending", message }))
}
