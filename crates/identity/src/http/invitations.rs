use axum::extract::State;
use http::StatusCode;
use kernel::{Secret, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Json, Page, PageQuery, Path, Query};

use super::{
    authenticate::{Signed, Visitor},
    bodies::Locale,
};
use crate::{
    model,
    permissions::{ReadUsers, WriteUsers},
    service::{Identity, Joining, NewInvitation},
};

/// Somebody who was asked to join, and has not yet.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Invitation {
    #[schema(value_type = String)]
    id: model::InvitationId,
    email: String,
    role: String,
    /// The language of the mail.
    locale: Locale,
    /// `null`: made on the command line.
    #[schema(required, value_type = Option<String>)]
    invited_by: Option<UserId>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The last mail.
    #[schema(value_type = String, format = DateTime)]
    sent_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// The link of the last mail works no longer: send another.
    is_expired: bool,
}

impl Invitation {
    fn new(invitation: model::Invitation, now: Timestamp) -> Self {
        Self {
            is_expired: invitation.is_expired(now),
            id: invitation.id,
            email: invitation.email,
            role: invitation.role,
            locale: invitation.locale.into(),
            invited_by: invitation.invited_by,
            created_at: invitation.created_at,
            sent_at: invitation.sent_at,
            expires_at: invitation.expires_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct InvitationsQuery {
    /// From 1.
    #[param(minimum = 1, maximum = 1_000_000)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u32>,
}

/// List who was invited and has not joined yet
#[utoipa::path(get, path = "/api/v1/invitations", tag = "users", operation_id = "list_invitations",
    params(InvitationsQuery), responses((status = 200, body = Page<Invitation>)))]
pub(super) async fn list_invitations(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<ReadUsers>,
    Query(query): Query<InvitationsQuery>,
) -> web::Result<Json<Page<Invitation>>> {
    let page = PageQuery::parse(query.page, query.page_size)?;
    let (items, total) = identity.list_invitations(&allow, page.limit(), page.offset()).await?;
    Ok(Json(page.of(items, total).map(|invitation| Invitation::new(invitation, allow.now))))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InvitationCreate {
    email: String,
    #[schema(example = "user")]
    role: String,
    /// The language of the mail. Default: the caller's.
    #[serde(default)]
    locale: Option<Locale>,
}

/// Invite somebody into the workspace by mail
///
/// The link in the mail works once, for 7 days, and only for that address. It is not told here.
#[utoipa::path(post, path = "/api/v1/invitations", tag = "users", operation_id = "invite",
    request_body = InvitationCreate,
    responses((status = 201, body = Invitation), (status = 409, description = "A member, or invited already.")))]
pub(super) async fn invite(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteUsers>,
    Json(body): Json<InvitationCreate>,
) -> web::Result<(StatusCode, Json<Invitation>)> {
    let new =
        NewInvitation { email: body.email, role: body.role, locale: body.locale.map(kernel::Locale::from) };
    let (invitation, _) = identity.invite(&allow, new).await?;
    Ok((StatusCode::CREATED, Json(Invitation::new(invitation, allow.now))))
}

/// Revoke an invitation
#[utoipa::path(delete, path = "/api/v1/invitations/{id}", tag = "users", operation_id = "revoke_invitation",
    params(("id" = String, Path)), responses((status = 204, description = "Its link stopped working.")))]
pub(super) async fn revoke_invitation(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteUsers>,
    Path(id): Path<model::InvitationId>,
) -> web::Result<StatusCode> {
    identity.revoke_invitation(&allow, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send an invitation again
///
/// By a new link; the one before stops working.
#[utoipa::path(post, path = "/api/v1/invitations/{id}/resend", tag = "users", operation_id = "resend_invitation",
    params(("id" = String, Path)), responses((status = 200, body = Invitation)))]
pub(super) async fn resend_invitation(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteUsers>,
    Path(id): Path<model::InvitationId>,
) -> web::Result<Json<Invitation>> {
    let invitation = identity.resend_invitation(&allow, id).await?;
    Ok(Json(Invitation::new(invitation, allow.now)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InvitationLink {
    /// From the mail.
    #[schema(value_type = String)]
    token: Secret<String>,
}

/// What a link offers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InvitationOffer {
    /// The workspace's name.
    workspace: String,
    /// The name of who invites; `null` for who sits at the machine.
    #[schema(required)]
    inviter: Option<String>,
    email: String,
    role: String,
    /// The address has an account: sign in with it first.
    has_account: bool,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Look at an invitation
#[utoipa::path(post, path = "/api/v1/auth/invitation", tag = "auth", operation_id = "look_at_invitation", security(()),
    request_body = InvitationLink,
    responses((status = 200, body = InvitationOffer), (status = 410, description = "The link does not work, or no longer.")))]
pub(super) async fn look_at_invitation(
    State(identity): State<Identity>,
    visitor: Visitor,
    Json(body): Json<InvitationLink>,
) -> web::Result<Json<InvitationOffer>> {
    let offer = identity.look_at_invitation(&visitor.visit, body.token.expose()).await?;
    Ok(Json(InvitationOffer {
        workspace: offer.workspace.name,
        inviter: offer.inviter,
        email: offer.invitation.email,
        role: offer.invitation.role,
        has_account: offer.has_account,
        expires_at: offer.invitation.expires_at,
    }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InvitationAccept {
    /// From the mail.
    #[schema(value_type = String)]
    token: Secret<String>,
    /// For an address without an account, or whose account is in no workspace.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password, min_length = 8, max_length = 128)]
    password: Option<Secret<String>>,
    #[serde(default)]
    #[schema(max_length = 100)]
    first_name: String,
    #[serde(default)]
    #[schema(max_length = 100)]
    last_name: String,
}

/// Accept an invitation
///
/// Makes the account, whose address counts as verified; or, for who has one and is signed in with it, joins.
#[utoipa::path(post, path = "/api/v1/auth/invitation/accept", tag = "auth", operation_id = "accept_invitation",
    security(()), request_body = InvitationAccept,
    responses((status = 204, description = "A member now."),
        (status = 401, description = "The address has an account: sign in with it."),
        (status = 403, description = "It is for another address than the caller's."),
        (status = 409, description = "A member already."),
        (status = 410, description = "The link does not work, or no longer.")))]
pub(super) async fn accept_invitation(
    State(identity): State<Identity>,
    visitor: Visitor,
    signed: Result<Signed, web::Error>,
    Json(body): Json<InvitationAccept>,
) -> web::Result<StatusCode> {
    let joining = Joining {
        token: body.token.expose().clone(),
        password: body.password,
        first_name: body.first_name,
        last_name: body.last_name,
    };
    let signed_in = signed.ok().map(|signed| signed.signed_in);
    identity.join(&visitor.visit, signed_in.as_deref(), joining).await?;
    Ok(StatusCode::NO_CONTENT)
}
