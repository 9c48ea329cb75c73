//! Log-in through other OpenID providers (OpenID Connect Core 1.0, code flow with PKCE).

mod arrive;
mod client;
mod depart;
mod links;

pub(crate) use arrive::{Arrival, Returned, Stranded};
pub(crate) use depart::TRIP_TTL_S;
pub(crate) use links::LinkedProvider;

use std::sync::Arc;

use outbound::Outbound;

use client::Client;

use crate::{
    config::{Config, ProviderConfig},
    error::Error,
};

/// Those of the settings.
pub(super) struct Providers(Vec<Arc<Provider>>);

/// One of them.
struct Provider {
    config: ProviderConfig,
    client: Client,
}

impl Providers {
    pub(super) fn new(config: &Config, public_url: &str, outbound: &Outbound) -> anyhow::Result<Self> {
        let provider = |config: &ProviderConfig| {
            let redirect = format!("{public_url}/api/v1/auth/providers/{}/callback", config.id);
            let client = Client::new(config, &redirect, outbound)?;
            anyhow::Ok(Arc::new(Provider { config: config.clone(), client }))
        };
        Ok(Self(config.providers.iter().map(provider).collect::<Result<_, _>>()?))
    }

    fn find(&self, id: &str) -> Result<Arc<Provider>, Error> {
        let found = self.0.iter().find(|provider| provider.config.id == id);
        found.cloned().ok_or_else(|| Error::ProviderNotFound(id.chars().take(50).collect()))
    }

    /// What to call one: by its name, or by its id where the settings have it no more.
    fn name(&self, id: &str) -> String {
        self.find(id).map_or_else(|_| id.to_owned(), |provider| provider.config.name.clone())
    }
}

impl super::Identity {
    /// For the sign-in page: id and name of each.
    pub(crate) fn list_providers(&self) -> Vec<(String, String)> {
        let all = self.0.providers.0.iter();
        all.map(|provider| (provider.config.id.clone(), provider.config.name.clone())).collect()
    }
}
