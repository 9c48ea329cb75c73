use kernel::Secret;

use crate::{
    error::Error,
    model::{OAuthError, Visit},
    service::{Identity, service_accounts::ServiceToken},
};

/// Who a client says that it is. No `Debug`: the secret stays out of logs.
pub(crate) struct ClientCredentials {
    pub(crate) id: String,
    pub(crate) secret: Option<Secret<String>>,
}

impl Identity {
    /// RFC 6749 §4.4, for service accounts.
    pub(crate) async fn client_credentials(
        &self,
        visit: &Visit,
        client: &ClientCredentials,
        scopes: &[String],
    ) -> Result<ServiceToken, OAuthError> {
        let limits = &self.0.oauth_limits;
        limits.take_client(visit.address).await?;
        let secret = client.secret.as_ref().map_or("", |secret| secret.expose().as_str());
        let token = self.service_token(visit, &client.id, secret, scopes).await;
        if !matches!(token, Ok(None)) {
            limits.give_back_client(visit.address).await;
        }
        match token {
            Ok(Some(token)) => Ok(token),
            Ok(None) => Err(OAuthError::invalid_client("the client is unknown, or its secret is wrong")),
            Err(error @ Error::Invalid { pointer: "/scope", .. }) => {
                Err(OAuthError::invalid_scope(error.to_string()))
            }
            Err(error) => Err(error.into()),
        }
    }
}
