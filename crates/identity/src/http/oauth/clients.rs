use axum::extract::State;
use http::StatusCode;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Json, Page, PageQuery, Path, Query};

use crate::{
    http::bodies::nullable,
    model::oauth::Client,
    permissions::{ReadClients, WriteClients},
    service::{ClientChange, Identity, NewClient},
};

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ClientKind {
    /// It runs where it can keep no secret: in a browser, on a desk.
    Public,
    Confidential,
}

/// A program that people let in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OAuthClient)]
pub(super) struct ClientBody {
    /// `client_id`.
    id: String,
    name: String,
    kind: ClientKind,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    /// What it may ask for at most.
    scopes: Vec<String>,
    grant_types: Vec<String>,
    id_token_signed_response_alg: &'static str,
    #[schema(required)]
    client_uri: Option<String>,
    #[schema(required)]
    logo_uri: Option<String>,
    registered_by_itself: bool,
    is_active: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
}

impl From<Client> for ClientBody {
    fn from(client: Client) -> Self {
        Self {
            kind: if client.is_confidential() { ClientKind::Confidential } else { ClientKind::Public },
            id: client.id,
            name: client.name,
            redirect_uris: client.redirect_uris,
            post_logout_redirect_uris: client.logout_uris,
            scopes: client.scopes,
            grant_types: client.grant_types,
            id_token_signed_response_alg: client.id_token_alg.name(),
            client_uri: client.uri,
            logo_uri: client.logo_uri,
            registered_by_itself: client.by_itself,
            is_active: client.is_active,
            created_at: client.created_at,
            updated_at: client.updated_at,
            last_used_at: client.last_used_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ClientsQuery {
    /// From 1.
    #[param(minimum = 1, maximum = 1_000_000)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u32>,
    /// Only those that registered by themselves, or only the others.
    registered_by_itself: Option<bool>,
}

/// List the clients of the provider
#[utoipa::path(get, path = "/api/v1/oauth/clients", tag = "oauth", operation_id = "list_oauth_clients",
    params(ClientsQuery), responses((status = 200, body = Page<ClientBody>)))]
pub(super) async fn list_clients(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<ReadClients>,
    Query(query): Query<ClientsQuery>,
) -> web::Result<Json<Page<ClientBody>>> {
    let page = PageQuery::parse(query.page, query.page_size)?;
    let (items, total) =
        identity.list_clients(&allow, query.registered_by_itself, page.limit(), page.offset()).await?;
    Ok(Json(page.of(items, total).map(ClientBody::from)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OAuthClientCreate)]
pub(super) struct ClientCreate {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    kind: ClientKind,
    /// https, http on the user's own machine (there any port), or a scheme of the program's own.
    #[serde(default)]
    #[schema(max_items = 10)]
    redirect_uris: Vec<String>,
    #[serde(default)]
    #[schema(max_items = 10)]
    post_logout_redirect_uris: Vec<String>,
    /// Empty: openid, profile, email, offline_access, read and write.
    #[serde(default)]
    #[schema(max_items = 200)]
    scopes: Vec<String>,
    /// Of authorization_code, refresh_token and urn:ietf:params:oauth:grant-type:device_code; empty: the first two.
    #[serde(default)]
    #[schema(max_items = 10)]
    grant_types: Vec<String>,
    /// RS256 (the default), ES256 or EdDSA.
    #[serde(default)]
    id_token_signed_response_alg: Option<String>,
    #[serde(default)]
    client_uri: Option<String>,
    #[serde(default)]
    logo_uri: Option<String>,
}

/// A client that was just made.
#[derive(Serialize, ToSchema)]
#[schema(as = NewOAuthClient)]
pub(super) struct NewClientBody {
    #[serde(flatten)]
    client: ClientBody,
    /// For a confidential one; it is told this once.
    #[schema(required)]
    client_secret: Option<String>,
}

/// Register a client
#[utoipa::path(post, path = "/api/v1/oauth/clients", tag = "oauth", operation_id = "create_oauth_client",
    request_body = ClientCreate, responses((status = 201, body = NewClientBody)))]
pub(super) async fn create_client(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteClients>,
    Json(body): Json<ClientCreate>,
) -> web::Result<(StatusCode, Json<NewClientBody>)> {
    let new = NewClient {
        name: body.name,
        is_confidential: matches!(body.kind, ClientKind::Confidential),
        redirect_uris: body.redirect_uris,
        logout_uris: body.post_logout_redirect_uris,
        scopes: body.scopes,
        grant_types: body.grant_types,
        id_token_alg: body.id_token_signed_response_alg,
        uri: body.client_uri,
        logo_uri: body.logo_uri,
    };
    let (client, secret) = identity.create_client(&allow, new).await?;
    let client_secret = secret.map(|text| text.expose().to_owned());
    Ok((StatusCode::CREATED, Json(NewClientBody { client: client.into(), client_secret })))
}

/// Get one client
#[utoipa::path(get, path = "/api/v1/oauth/clients/{id}", tag = "oauth", operation_id = "get_oauth_client",
    params(("id" = String, Path)), responses((status = 200, body = ClientBody)))]
pub(super) async fn get_client(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<ReadClients>,
    Path(id): Path<String>,
) -> web::Result<Json<ClientBody>> {
    Ok(Json(identity.get_client(&allow, &id).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OAuthClientUpdate)]
pub(super) struct ClientUpdate {
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    #[serde(default)]
    #[schema(max_items = 10)]
    redirect_uris: Option<Vec<String>>,
    #[serde(default)]
    #[schema(max_items = 10)]
    post_logout_redirect_uris: Option<Vec<String>>,
    #[serde(default)]
    #[schema(max_items = 200)]
    scopes: Option<Vec<String>>,
    #[serde(default)]
    #[schema(max_items = 10)]
    grant_types: Option<Vec<String>>,
    #[serde(default)]
    id_token_signed_response_alg: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    client_uri: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    logo_uri: Option<Option<String>>,
    /// False ends what it holds.
    #[serde(default)]
    is_active: Option<bool>,
}

/// Change a client
#[utoipa::path(patch, path = "/api/v1/oauth/clients/{id}", tag = "oauth", operation_id = "update_oauth_client",
    params(("id" = String, Path)), request_body = ClientUpdate, responses((status = 200, body = ClientBody)))]
pub(super) async fn update_client(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteClients>,
    Path(id): Path<String>,
    Json(body): Json<ClientUpdate>,
) -> web::Result<Json<ClientBody>> {
    let change = ClientChange {
        name: body.name,
        redirect_uris: body.redirect_uris,
        logout_uris: body.post_logout_redirect_uris,
        scopes: body.scopes,
        grant_types: body.grant_types,
        id_token_alg: body.id_token_signed_response_alg,
        uri: body.client_uri,
        logo_uri: body.logo_uri,
        is_active: body.is_active,
    };
    Ok(Json(identity.update_client(&allow, &id, change).await?.into()))
}

/// Delete a client
#[utoipa::path(delete, path = "/api/v1/oauth/clients/{id}", tag = "oauth", operation_id = "delete_oauth_client",
    params(("id" = String, Path)),
    responses((status = 204, description = "With what it held and what users agreed to.")))]
pub(super) async fn delete_client(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteClients>,
    Path(id): Path<String>,
) -> web::Result<StatusCode> {
    identity.delete_client(&allow, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A secret that was just made.
#[derive(Serialize, ToSchema)]
#[schema(as = NewOAuthClientSecret)]
pub(super) struct NewClientSecret {
    /// It is told this once.
    client_secret: String,
}

/// Replace a client's secret
///
/// The one before is refused from now on. A public client becomes a confidential one.
#[utoipa::path(post, path = "/api/v1/oauth/clients/{id}/secret", tag = "oauth",
    operation_id = "replace_oauth_client_secret", params(("id" = String, Path)),
    responses((status = 201, body = NewClientSecret)))]
pub(super) async fn replace_client_secret(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteClients>,
    Path(id): Path<String>,
) -> web::Result<(StatusCode, Json<NewClientSecret>)> {
    let text = identity.replace_client_secret(&allow, &id).await?;
    Ok((StatusCode::CREATED, Json(NewClientSecret { client_secret: text.expose().to_owned() })))
}
