//! Routes, and the bodies that go over the wire.

mod accounts;
mod api_keys;
mod audit;
mod authenticate;
mod bodies;
mod browser;
mod confirm;
mod cookies;
mod email;
mod invitations;
mod login;
mod me;
mod members;
mod oauth;
mod older;
mod passkeys;
mod passwords;
mod providers;
mod quotas;
mod registration;
mod roles;
mod second_factor;
mod security;
mod service_accounts;
mod sessions;
mod signing_keys;
mod totp;
mod users;
mod workspaces;

use axum::extract::DefaultBodyLimit;
use web::{OpenApiRouter, routes};

use crate::service::Identity;

/// Bodies here are small; a password of megabytes is refused while it arrives.
const BODY_BYTES_MAX: usize = 16 * 1024;

pub(crate) fn routes(identity: Identity) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(login::login))
        .routes(routes!(login::refresh))
        .routes(routes!(login::logout))
        .routes(routes!(passwords::reset))
        .routes(routes!(browser::sign_in, browser::sign_out))
        .routes(routes!(browser::first_run_required, browser::first_run))
        .routes(routes!(registration::options))
        .routes(routes!(registration::register))
        .routes(routes!(registration::verify))
        .routes(routes!(registration::resend))
        .routes(routes!(passwords::forgot))
        .routes(routes!(passwords::strength))
        .routes(routes!(email::change_email, email::cancel_email_change))
        .routes(routes!(email::confirm_email))
        .routes(routes!(older::sign_in_form))
        .routes(routes!(older::sign_out_page))
        .routes(routes!(me::me, me::update_me, me::delete_me))
        .routes(routes!(me::change_password))
        .routes(routes!(me::switch_workspace))
        .routes(routes!(second_factor::answer_for_tokens))
        .routes(routes!(second_factor::answer_for_cookie))
        .routes(routes!(second_factor::begin_passkey))
        .routes(routes!(totp::begin, totp::disable))
        .routes(routes!(totp::confirm))
        .routes(routes!(totp::make_recovery_codes))
        .routes(routes!(confirm::confirm))
        .routes(routes!(confirm::begin))
        .routes(routes!(security::show))
        .routes(routes!(security::reset))
        .routes(routes!(passkeys::list, passkeys::add))
        .routes(routes!(passkeys::begin))
        .routes(routes!(passkeys::rename, passkeys::delete))
        .routes(routes!(passkeys::begin_sign_in))
        .routes(routes!(passkeys::sign_in))
        .routes(routes!(providers::start))
        .routes(routes!(providers::callback))
        .routes(routes!(providers::unlink))
        .routes(routes!(sessions::list_sessions, sessions::end_other_sessions))
        .routes(routes!(sessions::end_session))
        .routes(routes!(users::list_users, users::create_user))
        .routes(routes!(users::get_user, users::update_user, accounts::delete_user))
        .routes(routes!(accounts::restore_user))
        .routes(routes!(accounts::purge_user))
        .routes(routes!(accounts::list_user_sessions, accounts::end_user_sessions))
        .routes(routes!(accounts::make_reset_link))
        .routes(routes!(members::give_role, members::take_role))
        .routes(routes!(members::remove_member))
        .routes(routes!(invitations::list_invitations, invitations::invite))
        .routes(routes!(invitations::revoke_invitation))
        .routes(routes!(invitations::resend_invitation))
        .routes(routes!(invitations::look_at_invitation))
        .routes(routes!(invitations::accept_invitation))
        .routes(routes!(roles::list_roles, roles::create_role))
        .routes(routes!(roles::get_role, roles::update_role, roles::delete_role))
        .routes(routes!(roles::list_permissions))
        .routes(routes!(workspaces::list_workspaces, workspaces::create_workspace))
        .routes(routes!(
            workspaces::get_workspace,
            workspaces::update_workspace,
            workspaces::delete_workspace
        ))
        .routes(routes!(workspaces::restore_workspace))
        .routes(routes!(workspaces::leave_workspace))
        .routes(routes!(workspaces::list_all_workspaces))
        .routes(routes!(quotas::list_quotas))
        .routes(routes!(quotas::get_workspace_quotas, quotas::set_workspace_quotas))
        .routes(routes!(audit::list_audit))
        .routes(routes!(api_keys::list_api_keys, api_keys::create_api_key))
        .routes(routes!(api_keys::revoke_api_key))
        .routes(routes!(service_accounts::list_service_accounts, service_accounts::create_service_account))
        .routes(routes!(
            service_accounts::get_service_account,
            service_accounts::update_service_account,
            service_accounts::delete_service_account
        ))
        .routes(routes!(service_accounts::create_service_secret))
        .routes(routes!(service_accounts::revoke_service_secret))
        .routes(routes!(signing_keys::list_signing_keys))
        .routes(routes!(signing_keys::rotate_signing_keys))
        .routes(routes!(signing_keys::key_set))
        .merge(oauth::routes())
        .routes(routes!(audit::export_audit))
        .routes(routes!(audit::verify_audit))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(identity)
}
