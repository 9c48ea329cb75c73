use kernel::Secret;
use serde::{Deserialize, Serialize};
use url::Url;

/// Section `[[identity.providers]]`. Another OpenID provider that signs people in; see docs/openid-log-in.md.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderConfig {
    /// 1 to 40 of `a-z`, `0-9` and hyphens; part of the address that the provider sends people back to. Empty (the default)
    /// is a fault.
    pub id: String,
    /// What the button on the sign-in page says. Default: the id.
    pub name: String,
    /// Its issuer, such as `https://accounts.google.com`: what `/.well-known/openid-configuration` stands under. Empty (the
    /// default) is a fault.
    pub issuer: String,
    /// What the provider knows this installation by. Empty (the default) is a fault.
    pub client_id: String,
    /// Empty (the default) for a client without a secret.
    pub client_secret: Secret<String>,
    /// What is asked for. Default `openid`, `email`, `profile`.
    pub scopes: Vec<String>,
    /// Whether who has no account here gets one. Default false.
    pub allow_sign_up: bool,
    /// The role of those, in the first workspace. Default `user`.
    pub role: String,
    /// Whether the provider's own host may have a private address, and be called without https. Default false.
    pub allow_private: bool,
    /// Whether a sign-in for which the provider says that it was by several factors (`amr` has `mfa`) needs no second factor
    /// here. Default false.
    pub trust_mfa: bool,
}

impl Default for ProviderConfig {
    fn default() -> Self {
        Self {
            id: String::new(),
            name: String::new(),
            issuer: String::new(),
            client_id: String::new(),
            client_secret: Secret::default(),
            scopes: ["openid", "email", "profile"].map(str::to_owned).into(),
            allow_sign_up: false,
            role: "user".to_owned(),
            allow_private: false,
            trust_mfa: false,
        }
    }
}

impl ProviderConfig {
    /// What is wrong with it, in the words of `identity.providers`.
    fn faults(&self) -> Vec<String> {
        let fine_id = (1..=40).contains(&self.id.len())
            && self.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let url = Url::parse(&self.issuer).ok().filter(|url| url.host_str().is_some());
        let fine_url = url.as_ref().is_some_and(|url| {
            url.query().is_none()
                && url.fragment().is_none()
                && (url.scheme() == "https" || (url.scheme() == "http" && self.allow_private))
        });
        let name = if self.id.is_empty() { "?" } else { &self.id };
        let mut faults = Vec::new();
        let mut require = |fine: bool, fault: &str| {
            if !fine {
                faults.push(format!("identity.providers ({name}): {fault}"));
            }
        };
        require(fine_id, "id must be 1 to 40 of a-z, 0-9 and hyphens");
        require(fine_url, "issuer must be an https:// address (http:// with allow_private)");
        require(!self.client_id.is_empty(), "client_id must not be empty");
        require(!self.role.is_empty(), "role must not be empty");
        faults
    }
}

/// Faults of all of them.
pub(crate) fn validate(providers: &[ProviderConfig]) -> Vec<String> {
    let mut faults: Vec<_> = providers.iter().flat_map(ProviderConfig::faults).collect();
    for (place, provider) in providers.iter().enumerate() {
        if providers[..place].iter().any(|before| before.id == provider.id) {
            faults.push(format!("identity.providers: the id {} is there twice", provider.id));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told() {
        let fine = ProviderConfig {
            id: "google".to_owned(),
            issuer: "https://accounts.google.com".to_owned(),
            client_id: "x".to_owned(),
            ..ProviderConfig::default()
        };
        assert_eq!(validate(std::slice::from_ref(&fine)), [""; 0]);
        assert_eq!(validate(&[fine.clone(), fine.clone()]).len(), 1);
        assert_eq!(validate(&[ProviderConfig::default()]).len(), 3);
        let check = |issuer: &str, allow_private, expected: bool| {
            let provider = ProviderConfig { issuer: issuer.to_owned(), allow_private, ..fine.clone() };
            assert_eq!(validate(&[provider]).is_empty(), expected, "{issuer}");
        };
        check("http://keycloak.lan/realms/main", false, false);
        check("http://keycloak.lan/realms/main", true, true);
        check("https://example.org/?x", false, false);
        check("ftp://example.org", true, false);
    }
}
