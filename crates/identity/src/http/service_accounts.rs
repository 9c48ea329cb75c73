use axum::extract::State;
use http::StatusCode;
use kernel::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Json, Page, PageQuery, Path, Query};

use crate::{
    model::{self, ServiceSecretId},
    permissions::{ReadServiceAccounts, WriteServiceAccounts},
    service::{Identity, NewServiceAccount, ServiceAccountChange},
};

/// A program's own account in the workspace.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ServiceAccount {
    /// Also its `client_id` at the token endpoint.
    #[schema(value_type = String)]
    id: UserId,
    name: String,
    role: String,
    /// Empty: all that the role may.
    scopes: Vec<String>,
    is_active: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
}

impl From<model::ServiceAccount> for ServiceAccount {
    fn from(account: model::ServiceAccount) -> Self {
        Self {
            id: account.user,
            name: account.name,
            role: account.role,
            scopes: account.scopes,
            is_active: account.is_active,
            created_at: account.created_at,
            last_used_at: account.last_used_at,
        }
    }
}

/// A secret, without the secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ServiceSecret {
    #[schema(value_type = String)]
    id: ServiceSecretId,
    /// How the secret begins.
    prefix: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
}

impl From<model::ServiceSecret> for ServiceSecret {
    fn from(secret: model::ServiceSecret) -> Self {
        Self {
            id: secret.id,
            prefix: secret.prefix,
            created_at: secret.created_at,
            expires_at: secret.expires_at,
            last_used_at: secret.last_used_at,
        }
    }
}

/// An account with its secrets.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ServiceAccountDetail {
    #[serde(flatten)]
    account: ServiceAccount,
    secrets: Vec<ServiceSecret>,
}

/// A secret that was just made.
#[derive(Serialize, ToSchema)]
pub(super) struct NewServiceSecret {
    #[serde(flatten)]
    secret: ServiceSecret,
    #[schema(value_type = String)]
    client_id: UserId,
    /// The secret itself; it is told this once.
    client_secret: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ServiceAccountsQuery {
    /// From 1.
    #[param(minimum = 1, maximum = 1_000_000)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u32>,
}

/// List the workspace's service accounts
#[utoipa::path(get, path = "/api/v1/service-accounts", tag = "tokens", operation_id = "list_service_accounts",
    params(ServiceAccountsQuery), responses((status = 200, body = Page<ServiceAccount>)))]
pub(super) async fn list_service_accounts(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<ReadServiceAccounts>,
    Query(query): Query<ServiceAccountsQuery>,
) -> web::Result<Json<Page<ServiceAccount>>> {
    let page = PageQuery::parse(query.page, query.page_size)?;
    let (items, total) = identity.list_service_accounts(&allow, page.limit(), page.offset()).await?;
    Ok(Json(page.of(items, total).map(ServiceAccount::from)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceAccountCreate {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    #[schema(example = "operator")]
    role: String,
    /// `read`, `write` or names of permissions. Empty: all that the role may.
    #[serde(default)]
    #[schema(max_items = 200)]
    scopes: Vec<String>,
}

/// Create a service account
#[utoipa::path(post, path = "/api/v1/service-accounts", tag = "tokens", operation_id = "create_service_account",
    request_body = ServiceAccountCreate, responses((status = 201, body = ServiceAccount)))]
pub(super) async fn create_service_account(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteServiceAccounts>,
    Json(body): Json<ServiceAccountCreate>,
) -> web::Result<(StatusCode, Json<ServiceAccount>)> {
    let new = NewServiceAccount { name: body.name, role: body.role, scopes: body.scopes };
    Ok((StatusCode::CREATED, Json(identity.create_service_account(&allow, new).await?.into())))
}

/// Get one service account with its secrets
#[utoipa::path(get, path = "/api/v1/service-accounts/{id}", tag = "tokens", operation_id = "get_service_account",
    params(("id" = String, Path)), responses((status = 200, body = ServiceAccountDetail)))]
pub(super) async fn get_service_account(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<ReadServiceAccounts>,
    Path(id): Path<UserId>,
) -> web::Result<Json<ServiceAccountDetail>> {
    let (account, secrets) = identity.get_service_account(&allow, id).await?;
    let secrets = secrets.into_iter().map(ServiceSecret::from).collect();
    Ok(Json(ServiceAccountDetail { account: account.into(), secrets }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceAccountUpdate {
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    #[schema(max_items = 200)]
    scopes: Option<Vec<String>>,
    /// False ends its tokens, and its secrets get none.
    #[serde(default)]
    is_active: Option<bool>,
}

/// Change a service account
#[utoipa::path(patch, path = "/api/v1/service-accounts/{id}", tag = "tokens",
    operation_id = "update_service_account", params(("id" = String, Path)), request_body = ServiceAccountUpdate,
    responses((status = 200, body = ServiceAccount)))]
pub(super) async fn update_service_account(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteServiceAccounts>,
    Path(id): Path<UserId>,
    Json(body): Json<ServiceAccountUpdate>,
) -> web::Result<Json<ServiceAccount>> {
    let change = ServiceAccountChange {
        name: body.name,
        role: body.role,
        scopes: body.scopes,
        is_active: body.is_active,
    };
    Ok(Json(identity.update_service_account(&allow, id, change).await?.into()))
}

/// Delete a service account
#[utoipa::path(delete, path = "/api/v1/service-accounts/{id}", tag = "tokens",
    operation_id = "delete_service_account", params(("id" = String, Path)),
    responses((status = 204, description = "Its secrets and tokens are refused from now on.")))]
pub(super) async fn delete_service_account(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteServiceAccounts>,
    Path(id): Path<UserId>,
) -> web::Result<StatusCode> {
    identity.delete_service_account(&allow, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceSecretCreate {
    /// `null`: never.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// Make a secret for a service account
///
/// Up to ten work at the same time, so that one can be replaced without a pause.
#[utoipa::path(post, path = "/api/v1/service-accounts/{id}/secrets", tag = "tokens",
    operation_id = "create_service_secret", params(("id" = String, Path)), request_body = ServiceSecretCreate,
    responses((status = 201, body = NewServiceSecret)))]
pub(super) async fn create_service_secret(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteServiceAccounts>,
    Path(id): Path<UserId>,
    Json(body): Json<ServiceSecretCreate>,
) -> web::Result<(StatusCode, Json<NewServiceSecret>)> {
    let (secret, text) = identity.create_service_secret(&allow, id, body.expires_at).await?;
    let made =
        NewServiceSecret { secret: secret.into(), client_id: id, client_secret: text.expose().to_owned() };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Revoke a secret of a service account
#[utoipa::path(delete, path = "/api/v1/service-accounts/{id}/secrets/{secret_id}", tag = "tokens",
    operation_id = "revoke_service_secret", params(("id" = String, Path), ("secret_id" = String, Path)),
    responses((status = 204, description = "It, and the tokens that it got, are refused from now on.")))]
pub(super) async fn revoke_service_secret(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteServiceAccounts>,
    Path((id, secret)): Path<(UserId, ServiceSecretId)>,
) -> web::Result<StatusCode> {
    identity.revoke_service_secret(&allow, id, secret).await?;
    Ok(StatusCode::NO_CONTENT)
}
