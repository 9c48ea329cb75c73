use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use kernel::{Secret, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::Json;

use super::{
    authenticate::{By, Known, Signed, Visitor},
    bodies::{Locale, Me, Tokens, nullable},
    cookies::{self, SetCookies},
};
use crate::service::{Identity, ProfileChange};

/// Who am I
#[utoipa::path(get, path = "/api/v1/auth/me", tag = "auth", operation_id = "me", responses((status = 200, body = Me)))]
pub(super) async fn me(State(identity): State<Identity>, known: Known) -> Json<Me> {
    Json(match known {
        Known::Session(signed) => Me::seen_by(&identity, &signed.signed_in, &signed.ctx),
        Known::Key(ctx, holder) => Me::of_key(&identity, &holder, &ctx),
    })
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MeChange {
    #[serde(default)]
    #[schema(max_length = 100)]
    first_name: Option<String>,
    #[serde(default)]
    #[schema(max_length = 100)]
    last_name: Option<String>,
    /// `null`: the language that the browser asks for.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Locale>)]
    locale: Option<Option<Locale>>,
}

/// Change my name or language
#[utoipa::path(patch, path = "/api/v1/auth/me", tag = "auth", operation_id = "update_me", request_body = MeChange,
    responses((status = 200, body = Me)))]
pub(super) async fn update_me(
    State(identity): State<Identity>,
    signed: Signed,
    Json(body): Json<MeChange>,
) -> web::Result<Json<Me>> {
    let change = ProfileChange {
        first_name: body.first_name,
        last_name: body.last_name,
        locale: body.locale.map(|locale| locale.map(kernel::Locale::from)),
    };
    identity.update_profile(&signed.ctx, change).await?;
    let signed_in = identity.by_session(signed.signed_in.session.id, signed.ctx.now).await?;
    Ok(Json(Me::seen_by(&identity, &signed_in, &signed.ctx)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountDeletion {
    /// `null` where the account has none; then a sign-in of late is needed.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password)]
    current_password: Option<Secret<String>>,
}

/// Delete my account
///
/// Every session ends. An administrator can restore it until it is purged.
#[utoipa::path(delete, path = "/api/v1/auth/me", tag = "auth", operation_id = "delete_me",
    request_body = AccountDeletion,
    responses((status = 204, description = "Deleted, and the cookies are gone."),
        (status = 409, description = "Nobody would be left to administer a workspace.")))]
pub(super) async fn delete_me(
    State(identity): State<Identity>,
    visitor: Visitor,
    signed: Signed,
    Json(body): Json<AccountDeletion>,
) -> web::Result<(StatusCode, SetCookies)> {
    identity.delete_own_account(&signed.ctx, &signed.signed_in, body.current_password).await?;
    Ok((StatusCode::NO_CONTENT, cookies::taken_back(&identity, &visitor.request)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordChange {
    #[schema(value_type = String, format = Password)]
    current_password: Secret<String>,
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    new_password: Secret<String>,
}

/// Change my password
#[utoipa::path(post, path = "/api/v1/auth/password", tag = "auth", operation_id = "change_password",
    request_body = PasswordChange,
    responses((status = 204, description = "Changed; all other sessions are over.")))]
pub(super) async fn change_password(
    State(identity): State<Identity>,
    signed: Signed,
    Json(body): Json<PasswordChange>,
) -> web::Result<StatusCode> {
    identity
        .change_password(&signed.ctx, &signed.signed_in, body.current_password, body.new_password)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkspaceSwitch {
    #[schema(value_type = String)]
    workspace_id: WorkspaceId,
}

/// For a cookie the user in the new workspace; for an access token new tokens, since they hold the workspace.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Switched {
    Browser(Box<Me>),
    Program(Tokens),
}

/// Work in another of my workspaces
#[utoipa::path(post, path = "/api/v1/auth/workspace", tag = "auth", operation_id = "switch_workspace",
    request_body = WorkspaceSwitch,
    responses((status = 200, body = Switched), (status = 404, description = "None of the caller's workspaces.")))]
pub(super) async fn switch_workspace(
    State(identity): State<Identity>,
    visitor: Visitor,
    signed: Signed,
    Json(body): Json<WorkspaceSwitch>,
) -> web::Result<Response> {
    let Signed { ctx, signed_in, by } = signed;
    let switched = match by {
        By::AccessToken => {
            let pair = identity.switch_tokens(&ctx, &visitor.visit, &signed_in, body.workspace_id).await?;
            Switched::Program(pair.into())
        }
        By::Cookie => {
            identity.switch_workspace(&ctx, &signed_in, body.workspace_id).await?;
            let signed_in = identity.by_session(signed_in.session.id, ctx.now).await?;
            Switched::Browser(Box::new(Me::just_signed_in(&identity, &signed_in)))
        }
    };
    Ok(Json(switched).into_response())
}
