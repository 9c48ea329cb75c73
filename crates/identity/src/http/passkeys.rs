use axum::extract::State;
use http::{HeaderMap, StatusCode};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Json, Page, PageQuery, Path, Query};
use webauthn_rs::prelude::{PublicKeyCredential, RegisterPublicKeyCredential};

use super::{
    authenticate::{Signed, Visitor},
    bodies::Me,
    browser::opened,
    cookies::{self, SetCookies},
    totp::exposed,
};
use crate::{
    error::Error,
    model::{PasskeyId, StoredPasskey},
    service::Identity,
};

/// Options as a browser takes them.
pub(super) fn json(options: &impl Serialize) -> Result<serde_json::Value, Error> {
    serde_json::to_value(options).map_err(|error| Error::Seal(error.to_string()))
}

/// One of my passkeys.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Passkey {
    #[schema(value_type = String)]
    id: PasskeyId,
    name: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
}

impl From<StoredPasskey> for Passkey {
    fn from(passkey: StoredPasskey) -> Self {
        Self {
            id: passkey.id,
            name: passkey.name,
            created_at: passkey.created_at,
            last_used_at: passkey.last_used_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PasskeysQuery {
    /// From 1.
    #[param(minimum = 1, maximum = 1_000_000)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u32>,
}

/// List my passkeys
#[utoipa::path(get, path = "/api/v1/auth/passkeys", tag = "security", operation_id = "list_passkeys",
    params(PasskeysQuery), responses((status = 200, body = Page<Passkey>)))]
pub(super) async fn list(
    State(identity): State<Identity>,
    signed: Signed,
    Query(query): Query<PasskeysQuery>,
) -> web::Result<Json<Page<Passkey>>> {
    let page = PageQuery::parse(query.page, query.page_size)?;
    let all = identity.list_passkeys(&signed.ctx).await?;
    let total = all.len() as u64;
    let skipped = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let items: Vec<_> = all.into_iter().skip(skipped).take(page.page_size as usize).collect();
    Ok(Json(page.of(items, total).map(Passkey::from)))
}

/// Begin to add a passkey
///
/// `{"publicKey": …}`, for `navigator.credentials.create()` after `PublicKeyCredential.parseCreationOptionsFromJSON(publicKey)`.
#[utoipa::path(post, path = "/api/v1/auth/passkeys/start", tag = "security", operation_id = "begin_passkey",
    responses((status = 200, body = Object),
        (status = 403, description = "Show again who you are first (`identity.confirm-first`)."),
        (status = 409, description = "Passkeys do not work here, or there are too many.")))]
pub(super) async fn begin(
    State(identity): State<Identity>,
    signed: Signed,
) -> web::Result<Json<serde_json::Value>> {
    Ok(Json(identity.begin_passkey(&signed.ctx, &signed.signed_in).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPasskey {
    /// What its owner calls it: “My phone”.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What `navigator.credentials.create()` gave, as JSON (`PublicKeyCredential.toJSON()`).
    #[schema(value_type = Object)]
    credential: Box<RegisterPublicKeyCredential>,
}

/// A new passkey.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PasskeyAdded {
    #[serde(flatten)]
    passkey: Passkey,
    /// Only with the account's first second factor, and shown this once: each works once, in place of it.
    recovery_codes: Vec<String>,
}

/// Add a passkey
///
/// From now on a sign-in with the password also asks for a second factor; a passkey alone signs in without a password.
#[utoipa::path(post, path = "/api/v1/auth/passkeys", tag = "security", operation_id = "add_passkey",
    request_body = NewPasskey,
    responses((status = 201, body = PasskeyAdded), (status = 422, description = "It was not accepted: begin again.")))]
pub(super) async fn add(
    State(identity): State<Identity>,
    visitor: Visitor,
    signed: Signed,
    Json(body): Json<NewPasskey>,
) -> web::Result<(StatusCode, Json<PasskeyAdded>)> {
    let Signed { ctx, signed_in, .. } = signed;
    let added = identity.add_passkey(&ctx, &visitor.visit, &signed_in, &body.name, &body.credential).await?;
    let recovery_codes = exposed(&added.recovery_codes);
    Ok((StatusCode::CREATED, Json(PasskeyAdded { passkey: added.passkey.into(), recovery_codes })))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasskeyChange {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
}

/// Rename a passkey
#[utoipa::path(patch, path = "/api/v1/auth/passkeys/{id}", tag = "security", operation_id = "rename_passkey",
    params(("id" = String, Path)), request_body = PasskeyChange, responses((status = 200, body = Passkey)))]
pub(super) async fn rename(
    State(identity): State<Identity>,
    signed: Signed,
    Path(id): Path<PasskeyId>,
    Json(body): Json<PasskeyChange>,
) -> web::Result<Json<Passkey>> {
    Ok(Json(identity.rename_passkey(&signed.ctx, &signed.signed_in, id, &body.name).await?.into()))
}

/// Remove a passkey
#[utoipa::path(delete, path = "/api/v1/auth/passkeys/{id}", tag = "security", operation_id = "delete_passkey",
    params(("id" = String, Path)),
    responses((status = 204, description = "It signs nobody in any more."),
        (status = 403, description = "Show again who you are first (`identity.confirm-first`)."),
        (status = 409, description = "It is the last way into the account.")))]
pub(super) async fn delete(
    State(identity): State<Identity>,
    visitor: Visitor,
    signed: Signed,
    Path(id): Path<PasskeyId>,
) -> web::Result<StatusCode> {
    identity.delete_passkey(&signed.ctx, &visitor.visit, &signed.signed_in, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a browser needs, and what it sends back with its answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PasskeySignIn {
    challenge: String,
    /// `{"publicKey": …, "mediation": "conditional"}`, for `navigator.credentials.get()`.
    #[schema(value_type = Object)]
    options: serde_json::Value,
}

/// Begin to sign in by a passkey, without a name
///
/// For a button, and for the suggestions of a form's field (`autocomplete="username webauthn"`).
#[utoipa::path(post, path = "/api/v1/auth/passkey/start", tag = "auth", operation_id = "begin_passkey_sign_in",
    security(()), responses((status = 200, body = PasskeySignIn), (status = 409, description = "Passkeys do not work here.")))]
pub(super) async fn begin_sign_in(
    State(identity): State<Identity>,
    visitor: Visitor,
) -> web::Result<Json<PasskeySignIn>> {
    let (challenge, options) = identity.begin_nameless(&visitor.visit)?;
    Ok(Json(PasskeySignIn { challenge, options: json(&options)? }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasskeyAnswer {
    /// From `/api/v1/auth/passkey/start`.
    challenge: String,
    /// What `navigator.credentials.get()` gave, as JSON (`PublicKeyCredential.toJSON()`).
    #[schema(value_type = Object)]
    credential: Box<PublicKeyCredential>,
}

/// Sign a browser in by a passkey
///
/// It is both factors: the device, and what unlocks it. Sets the cookies of any sign-in.
#[utoipa::path(post, path = "/api/v1/auth/session/passkey", tag = "auth", operation_id = "sign_in_by_passkey",
    security(()), request_body = PasskeyAnswer,
    responses((status = 200, body = Me), (status = 401, description = "The passkey or the challenge was not accepted.")))]
pub(super) async fn sign_in(
    State(identity): State<Identity>,
    visitor: Visitor,
    headers: HeaderMap,
    Json(body): Json<PasskeyAnswer>,
) -> web::Result<(SetCookies, Json<Me>)> {
    cookies::check_origin(&identity, &headers, &visitor.request)?;
    let session = identity.sign_in_nameless(&visitor.visit, &body.challenge, &body.credential).await?;
    opened(&identity, &visitor, &session).await
}
