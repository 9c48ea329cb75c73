use kernel::{ApiKeyId, FieldError, Problem, Secret, SessionId, ToProblem, UserId, WorkspaceId};
use serde_json::json;

/// What can go wrong with accounts, sessions and workspaces.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Wrong password, unknown address, disabled account: the caller cannot tell which.
    #[error("the e-mail address or the password is wrong, or the address is not confirmed yet")]
    BadCredentials,
    #[error("too many failed attempts; try again in {retry_after_s} s")]
    TooManyAttempts { retry_after_s: u64 },
    #[error("too many log-ins at once; try again in a moment")]
    Busy,
    #[error("this access token does not count here")]
    TokenRefused,
    #[error("this session is over; sign in again")]
    SessionEnded,
    #[error("this refresh token does not count; sign in again")]
    RefreshRefused,
    #[error("send the value of the cookie socle_csrf in the header X-CSRF-Token")]
    Csrf,
    #[error("this page's origin may not use the session")]
    ForeignOrigin,
    #[error("the account is in no workspace")]
    NoWorkspace,
    #[error("user {0} does not exist")]
    UserNotFound(UserId),
    #[error("session {0} does not exist")]
    SessionNotFound(SessionId),
    #[error("workspace {0} does not exist")]
    WorkspaceNotFound(WorkspaceId),
    #[error("there is no role {0:?} here")]
    RoleNotFound(String),
    #[error("there is a role {0} already")]
    RoleTaken(String),
    #[error("the role {0} is built in: it cannot be changed")]
    RoleBuiltIn(String),
    #[error("the role {role} is held by {holders}: give them another first")]
    RoleHeld { role: String, holders: u64 },
    #[error("a workspace makes at most {0} roles")]
    TooManyRoles(u64),
    #[error("a member has at least one role; take them out of the workspace instead")]
    LastRole,
    #[error("{0} is a service account: delete it instead")]
    NotAPerson(UserId),
    #[error("the installation's first workspace cannot be deleted")]
    FirstWorkspace,
    #[error("the address belongs to a member already")]
    AlreadyMember,
    #[error("the address was invited already; send that invitation again, or revoke it")]
    AlreadyInvited,
    #[error("too many invitations; try again in {retry_after_s} s")]
    TooManyInvitations { retry_after_s: u64 },
    #[error("invitation {0} does not exist")]
    InvitationNotFound(String),
    #[error("the invitation is for another address than yours: sign in with the account that was invited")]
    InvitationForAnother,
    #[error("the address has an account: sign in with it, then accept")]
    SignInFirst,
    #[error("the account of this address cannot be used: ask an administrator")]
    AccountUnavailable,
    #[error("the workspace is not deleted")]
    NotDeleted,
    #[error(transparent)]
    Denied(#[from] kernel::Denied),
    #[error("{pointer}: {reason}")]
    Invalid { pointer: &'static str, reason: String },
    #[error("the e-mail address is taken")]
    EmailTaken,
    #[error("the e-mail address belongs to a deleted account: restore it, or purge it first")]
    EmailOfDeleted,
    #[error("nobody can register here by themselves: ask an administrator for an account")]
    RegistrationClosed,
    #[error("no mail server is configured, so no mail can go out")]
    NoMail,
    #[error("the name is taken")]
    SlugTaken,
    #[error("the current password is wrong")]
    WrongPassword,
    #[error("the link does not work: it was used, has expired, or never was one")]
    LinkRefused,
    #[error("the first administrator exists already")]
    FirstRunDone,
    #[error("the workspace would have no active administrator")]
    LastAdmin,
    #[error("the account belongs to another workspace; only its role here can be changed")]
    NotHome,
    #[error("the role {0} holds more than the caller does")]
    RoleBeyondCaller(String),
    #[error(
        "show again who you are: POST /api/v1/auth/confirm with the password or a code, then repeat this"
    )]
    ConfirmFirst,
    /// The password was right.
    #[error("a second factor is needed: answer the challenge at /api/v1/auth/second-factor")]
    SecondFactorRequired { challenge: Secret<String>, methods: Vec<&'static str>, expires_in_s: u32 },
    #[error("the code is wrong, was used already, or is too old")]
    WrongCode,
    #[error("this sign-in took too long or failed too often; begin again")]
    ChallengeRefused,
    #[error("the passkey was not accepted")]
    PasskeyRefused,
    #[error("the policy here asks for a second factor: set one up first")]
    SecondFactorNeeded,
    #[error("{reason}")]
    ProofRefused { pointer: &'static str, code: &'static str, reason: &'static str },
    #[error(
        "a session of another application, or one with fewer rights, may not change what protects the account"
    )]
    NotThisSession,
    #[error("there is no authenticator app to remove")]
    NoTotp,
    #[error("set up a second factor first: recovery codes stand in for one")]
    NoFactor,
    #[error("begin to set up an authenticator app first: POST /api/v1/auth/totp")]
    NothingPending,
    #[error("passkey {0} does not exist")]
    PasskeyNotFound(String),
    #[error("there is no passkey to show")]
    NoPasskeys,
    #[error("no more than 20 passkeys; remove one first")]
    TooManyPasskeys,
    #[error("this is the last way into the account: set a password or add another one first")]
    LastDoor,
    #[error("passkeys do not work here: {0}")]
    PasskeysOff(&'static str),
    #[error("an API key or a client cannot do this: sign in")]
    OwnSessionNeeded,
    #[error("API key {0} does not exist")]
    ApiKeyNotFound(ApiKeyId),
    #[error("secret {0} does not exist")]
    SecretNotFound(String),
    #[error(
        "the client's request {0} does not wait here: it was answered, has expired, or is another user's"
    )]
    RequestNotFound(String),
    #[error("client {0} does not exist")]
    ClientNotFound(String),
    #[error("no device shows this code, or no longer")]
    UserCodeUnknown,
    #[error("there are {0} already: revoke one first")]
    TooMany(&'static str),
    #[error("could not use a signing key")]
    Key(#[source] anyhow::Error),
    #[error("this is your own account: change it at /api/v1/auth/me and /api/v1/auth/email")]
    OwnAccount,
    #[error("there is no provider {0}")]
    ProviderNotFound(String),
    #[error("this is not the answer to a question of this browser; begin again")]
    ProviderState,
    #[error("the provider let nobody in")]
    ProviderRefused,
    #[error("the provider cannot be asked, or its answer does not count")]
    ProviderFailed,
    #[error("the address must be verified there and here before the accounts belong together")]
    ProviderUnverified,
    #[error("nobody here has this account")]
    ProviderNoAccount,
    #[error("another account is linked already: of that provider here, or of that person there")]
    ProviderTaken,
    #[error("only a user can do this")]
    NotAUser,
    #[error("could not hash a password: {0}")]
    Hash(String),
    #[error("could not close or open a secret: {0}")]
    Seal(String),
    #[error("could not write a task")]
    Jobs(#[from] jobs::Error),
    #[error("could not sign a token")]
    Sign(#[source] jsonwebtoken::errors::Error),
    #[error("the database failed")]
    Db(#[from] db::Error),
}

impl ToProblem for Error {
    fn problem(&self) -> Problem {
        match self {
            Self::BadCredentials => Problem::unauthorized("identity.bad-credentials", self),
            Self::TooManyAttempts { retry_after_s } => {
                Problem::too_many_requests("identity.too-many-attempts", self).retry_after_s(*retry_after_s)
            }
            Self::Busy => Problem::unavailable("identity.busy", self).retry_after_s(1),
            Self::TokenRefused => Problem::unauthorized("identity.token-refused", self),
            Self::SessionEnded => Problem::unauthorized("identity.session-ended", self),
            Self::RefreshRefused => Problem::unauthorized("identity.refresh-refused", self),
            Self::Csrf => Problem::forbidden("identity.csrf", self),
            Self::ForeignOrigin => Problem::forbidden("identity.foreign-origin", self),
            Self::NoWorkspace => Problem::forbidden("identity.no-workspace", self),
            Self::UserNotFound(_)
            | Self::SessionNotFound(_)
            | Self::WorkspaceNotFound(_)
            | Self::InvitationNotFound(_)
            | Self::RoleNotFound(_)
            | Self::ApiKeyNotFound(_)
            | Self::SecretNotFound(_)
            | Self::RequestNotFound(_)
            | Self::ClientNotFound(_) => Problem::not_found("identity.not-found", self),
            Self::RoleTaken(_) => Problem::conflict("identity.role-taken", self)
                .with_errors(vec![FieldError::new("/name", self)]),
            Self::AlreadyMember => Problem::conflict("identity.already-member", self)
                .with_errors(vec![FieldError::new("/email", self)]),
            Self::AlreadyInvited => Problem::conflict("identity.already-invited", self)
                .with_errors(vec![FieldError::new("/email", self)]),
            Self::TooManyInvitations { retry_after_s } => {
                Problem::too_many_requests("identity.too-many-invitations", self)
                    .retry_after_s(*retry_after_s)
            }
            Self::InvitationForAnother => Problem::forbidden("identity.invitation-for-another", self),
            Self::SignInFirst => Problem::unauthorized("identity.sign-in-first", self),
            Self::AccountUnavailable => Problem::conflict("identity.account-unavailable", self),
            Self::RoleBuiltIn(_) => Problem::conflict("identity.role-built-in", self),
            Self::RoleHeld { .. } => Problem::conflict("identity.role-held", self),
            Self::TooManyRoles(_) => Problem::conflict("identity.too-many-roles", self),
            Self::LastRole => Problem::conflict("identity.last-role", self),
            Self::NotAPerson(_) => Problem::conflict("identity.not-a-person", self),
            Self::FirstWorkspace => Problem::conflict("identity.first-workspace", self),
            Self::NotDeleted => Problem::conflict("identity.not-deleted", self),
            Self::Denied(denied) => denied.problem(),
            Self::Invalid { pointer, reason } => Problem::unprocessable("identity.invalid", self)
                .with_errors(vec![FieldError::new(*pointer, reason)]),
            Self::EmailTaken => Problem::conflict("identity.email-taken", self)
                .with_errors(vec![FieldError::new("/email", self)]),
            Self::EmailOfDeleted => Problem::conflict("identity.email-of-deleted", self)
                .with_errors(vec![FieldError::new("/email", self)]),
            Self::RegistrationClosed => Problem::forbidden("identity.registration-closed", self),
            Self::NoMail => Problem::conflict("identity.no-mail", self),
            Self::SlugTaken => Problem::conflict("identity.name-taken", self)
                .with_errors(vec![FieldError::new("/name", self)]),
            Self::WrongPassword => Problem::unprocessable("identity.wrong-password", self)
                .with_errors(vec![FieldError::new("/current_password", self)]),
            Self::LinkRefused => Problem::gone("identity.link-refused", self),
            Self::FirstRunDone => Problem::conflict("identity.first-run-done", self),
            Self::LastAdmin => Problem::conflict("identity.last-admin", self),
            Self::NotHome => Problem::forbidden("identity.not-home", self),
            Self::RoleBeyondCaller(_) => Problem::forbidden("identity.role-beyond-caller", self),
            Self::ConfirmFirst => Problem::forbidden("identity.confirm-first", self),
            Self::SecondFactorRequired { challenge, methods, expires_in_s } => {
                let member = json!({
                    "challenge": challenge.expose(), "methods": methods, "expires_in": expires_in_s,
                });
                Problem::unauthorized("identity.second-factor-required", self).member("second_factor", member)
            }
            Self::WrongCode => Problem::unauthorized("identity.wrong-code", self),
            Self::ChallengeRefused => Problem::unauthorized("identity.challenge-refused", self),
            Self::PasskeyRefused => Problem::unauthorized("identity.passkey-refused", self),
            Self::SecondFactorNeeded => Problem::forbidden("identity.second-factor-needed", self),
            Self::ProofRefused { pointer, code, .. } => {
                Problem::unprocessable(*code, self).with_errors(vec![FieldError::new(*pointer, self)])
            }
            Self::NotThisSession => Problem::forbidden("identity.not-this-session", self),
            Self::NoTotp => Problem::conflict("identity.no-totp", self),
            Self::NoFactor => Problem::conflict("identity.no-second-factor", self),
            Self::NothingPending => Problem::conflict("identity.nothing-pending", self),
            Self::PasskeyNotFound(_) => Problem::not_found("identity.not-found", self),
            Self::NoPasskeys => Problem::conflict("identity.no-passkeys", self),
            Self::TooManyPasskeys => Problem::conflict("identity.too-many-passkeys", self),
            Self::LastDoor => Problem::conflict("identity.last-door", self),
            Self::PasskeysOff(_) => Problem::conflict("identity.passkeys-off", self),
            Self::ProviderNotFound(_) => Problem::not_found("identity.not-found", self),
            Self::ProviderState => Problem::bad_request("identity.provider-state", self),
            Self::ProviderRefused => Problem::unauthorized("identity.provider-refused", self),
            Self::ProviderFailed => Problem::new(502, "identity.provider-failed", self),
            Self::ProviderUnverified => Problem::forbidden("identity.provider-unverified", self),
            Self::ProviderNoAccount => Problem::forbidden("identity.provider-no-account", self),
            Self::ProviderTaken => Problem::conflict("identity.provider-taken", self),
            Self::NotAUser => Problem::forbidden("identity.not-a-user", self),
            Self::UserCodeUnknown => Problem::not_found("identity.user-code-unknown", self),
            Self::OwnSessionNeeded => Problem::forbidden("identity.own-session-needed", self),
            Self::TooMany(_) => Problem::conflict("identity.too-many", self),
            Self::Hash(_) | Self::Sign(_) | Self::Seal(_) | Self::Key(_) => Problem::internal(),
            Self::Jobs(error) => error.problem(),
            Self::OwnAccount => Problem::conflict("identity.own-account", self),
            Self::Db(error) => error.problem(),
        }
    }
}
