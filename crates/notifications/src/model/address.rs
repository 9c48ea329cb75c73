use std::fmt;

use kernel::Secret;

/// What is wrong with an address, for who typed it. Never repeats a whole URL, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct AddressError(String);

/// A mail address, with a name perhaps. The domain is in its ASCII form (IDNA).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mailbox {
    pub(crate) name: Option<String>,
    /// `local@domain`.
    pub(crate) address: String,
}

/// RFC 5321 §4.5.3.1.
const LOCAL_MAX: usize = 64;
const ADDRESS_MAX: usize = 254;

impl Mailbox {
    /// `ada@example.org` or `Ada Byron <ada@example.org>`. Line breaks and other control characters are refused anywhere:
    /// they could begin a header of their own.
    pub(crate) fn parse(text: &str) -> Result<Self, AddressError> {
        let fault = |why: &str| {
            let shown: String = text.chars().filter(|letter| !letter.is_control()).take(80).collect();
            AddressError(format!("{shown:?} is no mail address: {why}"))
        };
        if text.chars().any(char::is_control) {
            return Err(fault("it holds a line break or another control character"));
        }
        let text = text.trim();
        let (name, address) = match text.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
            None => (None, text),
            Some((name, address)) => {
                let name = name.trim().trim_matches('"').trim();
                ((!name.is_empty()).then(|| name.to_owned()), address.trim())
            }
        };
        let (local, domain) = address.rsplit_once('@').ok_or_else(|| fault("it lacks an @"))?;
        if local.is_empty() || local.len() > LOCAL_MAX {
            return Err(fault("the part before the @ must hold 1 to 64 bytes"));
        }
        let odd = |letter: char| letter.is_whitespace() || "\"(),:;<>@[\\]".contains(letter);
        if local.contains(odd) || local.starts_with('.') || local.ends_with('.') || local.contains("..") {
            return Err(fault("the part before the @ holds a character that it may not"));
        }
        let domain = match url::Host::parse(domain) {
            Ok(url::Host::Domain(domain)) if !domain.contains('%') => domain,
            _ => return Err(fault("the part after the @ is no domain")),
        };
        let address = format!("{local}@{}", domain.trim_end_matches('.'));
        if address.len() > ADDRESS_MAX {
            return Err(fault("it is longer than 254 bytes"));
        }
        Ok(Self { name, address })
    }

    pub(crate) fn domain(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => f.write_str(&self.address),
        }
    }
}

/// When the connection to the mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MailTls {
    /// Asked for by STARTTLS, and refused without.
    StartTls,
    /// From the first byte.
    Required,
    None,
}

/// Where mails are handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MailServer {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: MailTls,
    pub(crate) credentials: Option<(String, Secret<String>)>,
}

impl MailServer {
    /// `smtp://user:password@host:587?tls=starttls|required|none`; `smtps://` is `tls=required`.
    pub(crate) fn parse(text: &str) -> Result<Self, AddressError> {
        let fault = |why: &str| AddressError(why.to_owned());
        let url = url::Url::parse(text)
            .map_err(|_| fault("must look like smtp://user:password@mail.example.org:587?tls=starttls"))?;
        let mut tls = match url.scheme() {
            "smtp" => MailTls::StartTls,
            "smtps" => MailTls::Required,
            _ => return Err(fault("must begin with smtp:// or smtps://")),
        };
        for (key, value) in url.query_pairs() {
            tls = match (&*key, &*value) {
                ("tls", "starttls") => MailTls::StartTls,
                ("tls", "required") => MailTls::Required,
                ("tls", "none") => MailTls::None,
                ("tls", _) => return Err(fault("tls must be starttls, required or none")),
                _ => return Err(fault("takes no other parameter than tls")),
            };
        }
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(fault("must hold nothing between the port and the question mark"));
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| fault("lacks a host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let decoded = |text: &str| {
            percent_encoding::percent_decode_str(text).decode_utf8().map(|text| text.into_owned()).ok()
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() => {
                let both = decoded(user).zip(decoded(password));
                let (user, password) =
                    both.ok_or_else(|| fault("holds a user or password that is not UTF-8"))?;
                Some((user, Secret::new(password)))
            }
            _ => return Err(fault("needs both a user and a password, or neither")),
        };
        let is_here = host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if credentials.is_some() && tls == MailTls::None && !is_here {
            return Err(fault("would send the password in clear: use tls=starttls or tls=required"));
        }
        let port = url.port().unwrap_or(match tls {
            MailTls::StartTls => 587,
            MailTls::Required => 465,
            MailTls::None => 25,
        });
        Ok(Self { host, port, tls, credentials })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_or_refused() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(
                Mailbox::parse(text).ok().map(|mailbox| mailbox.to_string()).as_deref(),
                expected,
                "{text:?}"
            );
        };
        check("ada@example.org", Some("ada@example.org"));
        check("Ada Byron <ada@Example.ORG>", Some("Ada Byron <ada@example.org>"));
        check("\"Byron, Ada\" <ada@example.org>", Some("Byron, Ada <ada@example.org>"));
        check("ada@münchen.example", Some("ada@xn--mnchen-3ya.example"));
        check("élodie@exemple.fr", Some("élodie@exemple.fr"));
        check("ada@example.org\r\nBcc: all@example.org", None);
        check("Ada\nBcc: x <ada@example.org>", None);
        check("ada", None);
        check("@example.org", None);
        check("ada@", None);
        check("ada@[127.0.0.1]", None);
        check("ada@10.0.0.1", None);
        check("a b@example.org", None);
        check("a@b@example.org", None);
        check(".a@example.org", None);
        check("a..b@example.org", None);
        check(&format!("{}@example.org", "a".repeat(65)), None);
        check("a@exa mple.org", None);
    }

    #[test]
    fn servers_are_read_and_passwords_stay_secret() {
        let check = |text: &str, expected: Option<(&str, u16, MailTls)>| {
            let server = MailServer::parse(text);
            assert!(!format!("{server:?}").contains("s3cret"), "{server:?}");
            let found = server.ok();
            let found = found.as_ref().map(|server| (server.host.as_str(), server.port, server.tls));
            assert_eq!(found, expected, "{text}");
        };
        check("smtp://mail.example.org", Some(("mail.example.org", 587, MailTls::StartTls)));
        check(
            "smtp://u:s3cret@mail.example.org:2525?tls=starttls",
            Some(("mail.example.org", 2525, MailTls::StartTls)),
        );
        check("smtps://u:s3cret@mail.example.org", Some(("mail.example.org", 465, MailTls::Required)));
        check("smtp://localhost:1025?tls=none", Some(("localhost", 1025, MailTls::None)));
        check("smtp://u:s3cret@127.0.0.1:1025?tls=none", Some(("127.0.0.1", 1025, MailTls::None)));
        check("smtp://u:s3cret@mail.example.org?tls=none", None);
        check("smtp://u@mail.example.org", None);
        check("smtp://mail.example.org?tls=maybe", None);
        check("smtp://mail.example.org?pool=3", None);
        check("http://mail.example.org", None);
        check("smtp://mail.example.org/inbox", None);
        check("mail.example.org", None);
        let server = MailServer::parse("smtp://me%40example.org:a%2Fb@mail.example.org").unwrap();
        let (user, password) = server.credentials.unwrap();
        assert_eq!((user.as_str(), password.expose().as_str()), ("me@example.org", "a/b"));
    }
}
