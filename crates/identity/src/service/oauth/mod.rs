//! Socle as an OAuth 2.1 and OpenID provider.

mod authorize;
mod clients;
mod device;
mod exchange;
mod held;
mod limits;

pub(crate) use authorize::{Authorization, AuthorizeQuery, Question};
pub(crate) use clients::{ClientChange, ClientCredentials, NewClient};
pub(crate) use exchange::ClientTokens;
pub(crate) use held::{LogoutQuery, LogoutStep, Unfit};
pub(super) use limits::OAuthLimits;

use super::Identity;
use crate::{model::oauth::scopes, policy};

pub(crate) use crate::store::oauth::clients::Application;

impl Identity {
    /// `iss` of every token.
    pub(crate) fn issuer(&self) -> &str {
        self.0.tokens.issuer()
    }

    /// May clients register by themselves?
    pub(crate) fn registration_is_open(&self) -> bool {
        self.0.settings.get(&policy::CLIENT_REGISTRATION) == "open"
    }

    /// What a scope lets a client do, for people.
    pub(crate) fn scope_description(&self, scope: &str) -> String {
        let text = match scope {
            scopes::OPENID => "Know which user of Socle you are",
            scopes::PROFILE => "See your name and language",
            scopes::EMAIL => "See your e-mail address",
            scopes::OFFLINE => "Go on when you are not there, until you put it out",
            "read" => "Read everything that you may read",
            "write" => "Change everything that you may change",
            other => {
                let known = self.catalogue().known().iter().find(|known| known.info.name == other);
                known.map_or("", |known| known.info.description)
            }
        };
        text.to_owned()
    }
}
