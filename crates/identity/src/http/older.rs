//! What older clients call: the sign-in form of pages without scripts.

use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use http::HeaderMap;
use kernel::Secret;
use serde::Deserialize;
use utoipa::ToSchema;
use web::TypedBody;

use super::{
    authenticate::{Signed, Visitor},
    cookies,
};
use crate::{
    error::Error,
    model::own_path,
    service::{Identity, Typed},
};

/// What the form of older pages sends.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SignInForm)]
pub(super) struct SignInForm {
    /// The e-mail address; `username` is as good.
    #[serde(alias = "username")]
    email: String,
    #[schema(value_type = String, format = Password)]
    password: Secret<String>,
    /// Of the second factor, where there is one.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    code: Option<Secret<String>>,
    /// Where to go then: a path of this server.
    #[serde(default)]
    next: Option<String>,
}

/// Sign a browser in by a form
///
/// On to `next` or `/dashboard` with the session's cookies, or back to `/login?error=…`: `credentials`, `too-many`,
/// `second-factor` (a `code` is needed), `code` (it was wrong).
#[utoipa::path(post, path = "/login", tag = "auth", operation_id = "sign_in_form", security(()),
    request_body(content = SignInForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "To the dashboard, or back to the form.")))]
pub(super) async fn sign_in_form(
    State(identity): State<Identity>,
    visitor: Visitor,
    headers: HeaderMap,
    body: TypedBody,
) -> web::Result<Response> {
    if body.content_type != "application/x-www-form-urlencoded" {
        return Err(body.unsupported("application/x-www-form-urlencoded"));
    }
    cookies::check_origin(&identity, &headers, &visitor.request)?;
    let form: SignInForm = body.form()?;
    let next = form.next.as_deref().and_then(own_path).unwrap_or_else(|| "/dashboard".to_owned());
    let typed = Typed { email: form.email, password: form.password, code: form.code };
    match identity.sign_in_browser(&visitor.visit, typed).await {
        Ok(session) => {
            let cookies = cookies::given(&identity, &session, &visitor.request);
            Ok((cookies, Redirect::to(&next)).into_response())
        }
        Err(Error::SecondFactorRequired { .. }) => {
            Ok(Redirect::to("/login?error=second-factor").into_response())
        }
        Err(Error::WrongCode) => Ok(Redirect::to("/login?error=code").into_response()),
        Err(error) => match kernel::ToProblem::problem(&error).status {
            401 => Ok(Redirect::to("/login?error=credentials").into_response()),
            429 => Ok(Redirect::to("/login?error=too-many").into_response()),
            _ => Err(error.into()),
        },
    }
}

/// Sign a browser out by a link
///
/// Not from another site's page.
#[utoipa::path(get, path = "/logout", tag = "auth", operation_id = "sign_out_page", security(()),
    responses((status = 303, description = "To the sign-in page; the session is over and its cookies are gone.")))]
pub(super) async fn sign_out_page(
    State(identity): State<Identity>,
    visitor: Visitor,
    headers: HeaderMap,
    signed: Result<Signed, web::Error>,
) -> web::Result<Response> {
    let foreign = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    if foreign {
        return Ok(Redirect::to("/").into_response());
    }
    if let Ok(signed) = signed {
        identity.sign_out(&signed.ctx, signed.signed_in.session.id).await?;
    }
    Ok((cookies::taken_back(&identity, &visitor.request), Redirect::to("/login")).into_response())
}
