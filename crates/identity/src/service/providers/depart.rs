use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use kernel::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::super::{Identity, SignedIn};
use crate::{
    error::Error,
    model::{Token, Visit, own_path},
};

/// Where the browser goes, and the cookie that brings it back.
pub(crate) struct Departure {
    pub(crate) url: String,
    /// Sealed: what was asked for stays with the browser that asked.
    pub(crate) cookie: String,
}

/// A browser's way to a provider and back.
#[derive(Serialize, Deserialize)]
pub(super) struct Trip {
    pub(super) provider: String,
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    pub(super) next: Option<String>,
    /// Who is signed in and adds this way of signing in.
    pub(super) link: Option<UserId>,
    pub(super) expires_at: Timestamp,
}

/// How long somebody may take at the provider.
pub(crate) const TRIP_TTL_S: u32 = 600;
const SEALED_FOR: &str = "provider trip";

impl Identity {
    /// Sends a browser to a provider: to sign in, or, for who is signed in, to link the account there to the one here.
    pub(crate) async fn begin_provider(
        &self,
        visit: &Visit,
        id: &str,
        next: Option<&str>,
        link: Option<&SignedIn>,
    ) -> Result<Departure, Error> {
        let provider = self.0.providers.find(id)?;
        if let Some(signed_in) = link {
            self.require_recent(signed_in, visit.now)?;
        }
        let state = Token::random(&mut rand::rng()).text();
        let request = provider.client.request(&state, visit.now).await.map_err(|error| {
            tracing::warn!(provider.id = id, error = %format!("{error:#}"), "a provider cannot be asked");
            Error::ProviderFailed
        })?;
        let trip = Trip {
            provider: id.to_owned(),
            state,
            nonce: request.nonce,
            verifier: request.verifier,
            next: next.and_then(own_path),
            link: link.map(|signed_in| signed_in.user.id),
            expires_at: visit.now + SignedDuration::from_secs(TRIP_TTL_S.into()),
        };
        let text = serde_json::to_vec(&trip).map_err(|error| Error::Seal(error.to_string()))?;
        let sealed = self.0.tokens.seal().close(SEALED_FOR, &text);
        let sealed = sealed.map_err(|error| Error::Seal(format!("{error:#}")))?;
        Ok(Departure { url: request.url.into(), cookie: URL_SAFE_NO_PAD.encode(sealed) })
    }

    /// The trip that a cookie is about, if it is ours and not over.
    pub(super) fn trip(&self, cookie: &str, now: Timestamp) -> Option<Trip> {
        let sealed = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        let text = self.0.tokens.seal().open(SEALED_FOR, &sealed).ok()?;
        let trip: Trip = serde_json::from_slice(text.expose()).ok()?;
        (now < trip.expires_at).then_some(trip)
    }
}
