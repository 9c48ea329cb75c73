use axum::extract::FromRequest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, header};
use kernel::Secret;
use url::form_urlencoded;
use web::TypedBody;

use super::error::Refused;
use crate::{model::oauth::OAuthError, service::ClientCredentials};

/// A body of `application/x-www-form-urlencoded`, or a query: parameters that are sent twice are refused, and empty ones are
/// as if they were not there (RFC 6749 §3.1 and §3.2).
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, OAuthError> {
        let mut found = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let first = found.next();
        if found.next().is_some() {
            return Err(OAuthError::invalid_request(format!("{name} is there twice")));
        }
        Ok(first.filter(|value| !value.is_empty()))
    }

    pub(super) fn needed(&self, name: &str) -> Result<&str, OAuthError> {
        self.one(name)?.ok_or_else(|| OAuthError::invalid_request(format!("{name} is missing")))
    }

    /// Of a parameter that may come several times.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let found = self.0.iter().filter(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.clone()).collect()
    }

    /// As a query.
    pub(super) fn text(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    /// As a query of somebody who signs in now: that they do so is what `prompt=login` wants, for two minutes.
    pub(super) fn signing_in_anew(&self) -> String {
        let mut pairs = self.0.clone();
        pairs.retain(|(key, _)| key != "prompt" && key != "max_age");
        pairs.push(("max_age".to_owned(), "120".to_owned()));
        Self(pairs).text()
    }

    /// Texts with spaces between.
    pub(super) fn words(&self, name: &str) -> Result<Vec<String>, OAuthError> {
        Ok(self.one(name)?.unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect())
    }

    /// Who the client says that it is (RFC 6749 §2.3.1): in `Authorization: Basic`, or in the body; not in both.
    pub(super) fn client(&self, headers: &HeaderMap) -> Result<ClientCredentials, OAuthError> {
        let (id, secret) = (self.one("client_id")?, self.one("client_secret")?);
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            let id = id.ok_or_else(|| {
                OAuthError::invalid_client("say which client you are: client_id is missing")
            })?;
            return Ok(ClientCredentials {
                id: id.to_owned(),
                secret: secret.map(|text| Secret::new(text.to_owned())),
            });
        };
        if secret.is_some() {
            return Err(OAuthError::invalid_request(
                "authenticate in the header or in the body, not in both",
            ));
        }
        let (by_header, secret) = value.to_str().ok().and_then(basic).ok_or_else(|| {
            OAuthError::invalid_client("Authorization must be Basic with client_id and client_secret")
        })?;
        if id.is_some_and(|id| id != by_header) {
            return Err(OAuthError::invalid_request("client_id is not the one of the Authorization header"));
        }
        let secret = (!secret.is_empty()).then(|| Secret::new(secret));
        Ok(ClientCredentials { id: by_header, secret })
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Refused;

    async fn from_request(request: axum::extract::Request, state: &S) -> Result<Self, Refused> {
        let unreadable = |_| OAuthError::invalid_request("the body could not be read, or is too large");
        let body = TypedBody::from_request(request, state).await.map_err(unreadable)?;
        if body.content_type != "application/x-www-form-urlencoded" {
            return Err(
                OAuthError::invalid_request("send a body of application/x-www-form-urlencoded").into()
            );
        }
        Ok(Self::parse(&body.bytes))
    }
}

/// User and password of the Basic scheme (RFC 7617), each form-encoded first (RFC 6749 §2.3.1).
fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, rest) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    // One name without a value is how the decoder is asked for a single text.
    let decoded =
        |text: &str| form_urlencoded::parse(text.as_bytes()).next().map(|(text, _)| text.into_owned());
    Some((decoded(id)?, decoded(secret).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_come_once() {
        let form = Form::parse(b"a=1&b=2&b=3&c=&d=x+y%20z");
        assert_eq!(form.one("a").unwrap(), Some("1"));
        assert!(form.one("b").is_err());
        assert_eq!(form.one("c").unwrap(), None);
        assert!(form.needed("e").is_err());
        assert_eq!(form.words("d").unwrap(), ["x", "y", "z"]);
    }

    #[test]
    fn clients_authenticate_in_one_place() {
        let header = |value: &str| HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
        let check = |body: &str, headers: &HeaderMap, expected: Option<(&str, Option<&str>)>| {
            let found = Form::parse(body.as_bytes()).client(headers).ok();
            let found = found.map(|client| (client.id, client.secret.map(|secret| secret.expose().clone())));
            let expected = expected.map(|(id, secret)| (id.to_owned(), secret.map(str::to_owned)));
            assert_eq!(found, expected, "{body} {headers:?}");
        };
        let none = HeaderMap::new();
        check("client_id=a&client_secret=b", &none, Some(("a", Some("b"))));
        check("client_id=a", &none, Some(("a", None)));
        check("", &none, None);
        let encode = |text: &str| header(&format!("Basic {}", STANDARD.encode(text)));
        check("", &encode("a%3A1:b+c"), Some(("a:1", Some("b c"))));
        check("client_id=a", &encode("a:b"), Some(("a", Some("b"))));
        check("client_id=x", &encode("a:b"), None);
        check("client_secret=b", &encode("a:b"), None);
        check("", &encode("a:"), Some(("a", None)));
        check("", &encode("ab"), None);
        check("", &header("Bearer x"), None);
    }
}
