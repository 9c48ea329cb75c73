use std::net::IpAddr;

use crate::config::KeyKind;

/// What is known of a caller.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    pub address: Option<IpAddr>,
    pub user: Option<String>,
    pub workspace: Option<String>,
    /// The session that the caller's token or cookie belongs to: however it is written, and after a refresh too.
    pub session: Option<String>,
    /// The API key that the caller shows instead.
    pub api_key: Option<String>,
}

impl Caller {
    /// The caller's bucket; `None` when nothing at all is known, as on a socket without addresses.
    pub(crate) fn key(&self, kind: KeyKind) -> Option<String> {
        let address = || self.address.map(network);
        let user = || self.user.clone().or_else(address);
        match kind {
            KeyKind::Address => address(),
            KeyKind::User => user(),
            KeyKind::Token => self.session.clone().or_else(|| self.api_key.clone()).or_else(user),
            KeyKind::ApiKey => self.api_key.clone().or_else(user),
            KeyKind::Workspace => self.workspace.clone().or_else(address),
        }
    }
}

/// Who has one IPv6 address has all of its /64.
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_what_one_party_holds() {
        let check = |address: &str, expected: &str| assert_eq!(network(address.parse().unwrap()), expected);
        check("192.0.2.7", "192.0.2.7");
        check("::ffff:192.0.2.7", "192.0.2.7");
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64");
        check("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64");
    }

    #[test]
    fn who_lacks_a_key_is_known_by_the_next() {
        let stranger = Caller { address: "192.0.2.7".parse().ok(), ..Caller::default() };
        for kind in [KeyKind::Address, KeyKind::User, KeyKind::Token, KeyKind::ApiKey, KeyKind::Workspace] {
            assert_eq!(stranger.key(kind).as_deref(), Some("192.0.2.7"));
            assert_eq!(Caller::default().key(kind), None);
        }
        let user = Caller { user: Some("usr_1".to_owned()), ..stranger };
        assert_eq!(user.key(KeyKind::Token).as_deref(), Some("usr_1"));
        let signed_in = Caller { session: Some("ses_1".to_owned()), ..user };
        assert_eq!(signed_in.key(KeyKind::Token).as_deref(), Some("ses_1"));
        assert_eq!(signed_in.key(KeyKind::User).as_deref(), Some("usr_1"));
        assert_eq!(signed_in.key(KeyKind::ApiKey).as_deref(), Some("usr_1"));
        let program = Caller { api_key: Some("key_1".to_owned()), session: None, ..signed_in };
        assert_eq!(program.key(KeyKind::ApiKey).as_deref(), Some("key_1"));
        assert_eq!(program.key(KeyKind::Token).as_deref(), Some("key_1"));
    }
}
