//! Which addresses may be called, and HTTP clients that keep to it.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use ipnet::IpNet;
use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use url::{Host, Url};

use crate::{
    Config,
    error::{Error, Refused, Result},
};

const REDIRECTS_MAX: usize = 5;

/// Where clouds tell their machines' secrets: not even an exception of the administrator's leads there.
const NEVER: [IpAddr; 7] = [
    // Most of them.
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    // Amazon's containers: ECS, EKS.
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    // Azure's WireServer, which looks like an ordinary address.
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    // Alibaba.
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
];

/// An exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Allowed {
    Net(IpNet),
    Name(String),
    /// `.lan`, for every name that ends so.
    Below(String),
}

impl Allowed {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('.').to_ascii_lowercase();
        if let Ok(net) = text.parse::<IpNet>() {
            return Some(Self::Net(net));
        }
        if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Some(Self::Net(address.into()));
        }
        let (name, below) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text.as_str(), false),
        };
        // A name that reads as a number is an address that was mistyped.
        let Ok(Host::Domain(name)) = Host::parse(name) else { return None };
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if name.is_empty() || !plain {
            return None;
        }
        Some(if below { Self::Below(format!(".{name}")) } else { Self::Name(name) })
    }
}

/// What may be called.
#[derive(Debug, Clone)]
pub(crate) struct Guard(Arc<[Allowed]>);

impl Guard {
    fn new(config: &Config) -> Result<Self> {
        let entry = |text: &String| Allowed::parse(text).ok_or_else(|| Error::Url(text.clone()));
        Ok(Self(config.private_allowed.iter().map(entry).collect::<Result<_>>()?))
    }

    /// A URL whose host is an address; the `url` crate has read decimal, octal and hexadecimal forms by now.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Refused> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            _ => return Ok(()),
        };
        self.check_address(address, url.host_str().unwrap_or_default())
    }

    fn check_address(&self, address: IpAddr, host: &str) -> Result<(), Refused> {
        let refused = || Refused { host: host.to_owned(), address };
        let inner = within(address);
        if [address, inner].iter().any(|address| NEVER.contains(address)) {
            return Err(refused());
        }
        if is_public(address) && is_public(inner) {
            return Ok(());
        }
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let is_allowed = self.0.iter().any(|allowed| match allowed {
            Allowed::Net(net) => net.contains(&inner) || net.contains(&address),
            Allowed::Name(name) => *name == host,
            Allowed::Below(end) => host.ends_with(end),
        });
        if is_allowed { Ok(()) } else { Err(refused()) }
    }
}

impl Resolve for Guard {
    /// All of a name's addresses must be fine: a name that leads to a private one as well is not used at all.
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            for address in &found {
                guard.check_address(address.ip(), name.as_str())?;
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The IPv4 address that an IPv6 address stands for, if it does: mapped, compatible, NAT64, 6to4.
fn within(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let part = v6.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match part {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] if high != 0 => v4(high, low),
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => v4(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        _ => address,
    }
}

/// Whether the address is an ordinary one of the internet (IANA special-purpose registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 198 && (b == 18 || b == 19))
                || (a, b, c) == (192, 0, 0)
                || (a, b, c) == (192, 88, 99))
        }
        IpAddr::V6(v6) => {
            let part = v6.segments();
            !(v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                // Deprecated site-local, discard-only, local NAT64, Teredo and other protocol assignments, documentation.
                || (part[0] & 0xffc0) == 0xfec0
                || (part[0] == 0x100 && part[1..4] == [0, 0, 0])
                || (part[0] == 0x64 && part[1] == 0xff9b && part[2] == 1)
                || (part[0] == 0x2001 && part[1] < 0x200)
                || (part[0] == 0x2001 && part[1] == 0xdb8)
                || (part[0] == 0x3fff && part[1] < 0x1000)
                || part[0] == 0x5f00)
        }
    }
}

/// How far redirects are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redirects {
    None = 0,
    /// For calls with headers of the caller's own: what was meant for one host is not shown to another.
    SameOrigin = 1,
    Anywhere = 2,
}

/// One HTTP client for each combination that is used, each made when it is first.
pub(crate) struct Clients {
    guard: Guard,
    connect_timeout: Duration,
    guarded: [OnceLock<Client>; 3],
    open: [OnceLock<Client>; 3],
}

impl Clients {
    pub(crate) fn new(config: &Config) -> Result<Self> {
        Ok(Self {
            guard: Guard::new(config)?,
            connect_timeout: Duration::from_millis(config.connect_timeout_ms),
            guarded: Default::default(),
            open: Default::default(),
        })
    }

    pub(crate) fn guard(&self) -> &Guard {
        &self.guard
    }

    pub(crate) fn get(&self, is_guarded: bool, redirects: Redirects) -> Result<&Client> {
        let place = &(if is_guarded { &self.guarded } else { &self.open })[redirects as usize];
        if let Some(client) = place.get() {
            return Ok(client);
        }
        let client = self.build(is_guarded, redirects).map_err(Error::Client)?;
        Ok(place.get_or_init(|| client))
    }

    fn build(&self, is_guarded: bool, redirects: Redirects) -> Result<Client, reqwest::Error> {
        let guard = is_guarded.then(|| self.guard.clone());
        let checked = guard.clone();
        let follow = match redirects {
            Redirects::None => redirect::Policy::none(),
            how => redirect::Policy::custom(move |attempt| {
                let (next, first) = (attempt.url(), attempt.previous().first());
                if attempt.previous().len() > REDIRECTS_MAX || !matches!(next.scheme(), "http" | "https") {
                    return attempt.error(BadRedirect);
                }
                let (origin, is_downgrade) = match first {
                    Some(first) => (
                        first.origin() == next.origin(),
                        first.scheme() == "https" && next.scheme() == "http",
                    ),
                    None => (true, false),
                };
                if is_downgrade || (how == Redirects::SameOrigin && !origin) {
                    return attempt.stop();
                }
                match checked.as_ref().map(|guard| guard.check(next)) {
                    Some(Err(refused)) => attempt.error(refused),
                    _ => attempt.follow(),
                }
            }),
        };
        let mut builder = Client::builder()
            .connect_timeout(self.connect_timeout)
            .redirect(follow)
            .referer(false)
            .user_agent(concat!("socle/", env!("CARGO_PKG_VERSION")));
        if let Some(guard) = guard {
            // Through a proxy it would be the proxy that resolves names, unchecked.
            builder = builder.no_proxy().dns_resolver(Arc::new(guard));
        }
        builder.build()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("redirected too often, or to what is no web address")]
pub(crate) struct BadRedirect;

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(allowed: &[&str]) -> Guard {
        let private_allowed = allowed.iter().map(|text| (*text).to_owned()).collect();
        Guard::new(&Config { private_allowed, ..Config::default() }).unwrap()
    }

    #[test]
    fn only_ordinary_addresses_pass() {
        let check = |host: &str, expected: bool| {
            let url = Url::parse(&format!("http://{host}/x")).unwrap();
            assert_eq!(guard(&[]).check(&url).is_ok(), expected, "{host}");
        };
        for public in
            ["93.184.216.34", "1.1.1.1", "[2606:4700::1111]", "[64:ff9b::5db8:d822]", "[2002:5db8:d822::1]"]
        {
            check(public, true);
        }
        for private in [
            "127.0.0.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "0",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "168.63.129.16",
            "100.64.0.1",
            "198.18.0.1",
            "192.0.2.1",
            "224.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:a00:1]",
            "[::7f00:1]",
            "[::ffff:0:10.0.0.1]",
            "[64:ff9b::10.0.0.1]",
            "[64:ff9b:1::1]",
            "[2002:7f00:1::1]",
            "[2001::1]",
            "[2001:db8::1]",
            "[fe80::1]",
            "[fec0::1]",
            "[fd12::1]",
            "[ff02::1]",
            "[100::1]",
        ] {
            check(private, false);
        }
    }

    #[test]
    fn exceptions_open_what_they_name_and_never_metadata() {
        let check = |allowed: &[&str], host: &str, address: &str, expected: bool| {
            let found = guard(allowed).check_address(address.parse().unwrap(), host);
            assert_eq!(found.is_ok(), expected, "{allowed:?} {host} {address}");
        };
        check(&["10.0.0.0/8"], "a", "10.1.2.3", true);
        check(&["10.0.0.0/8"], "a", "::ffff:10.1.2.3", true);
        check(&["10.0.0.0/8"], "a", "11.1.2.3", true);
        check(&["10.0.0.0/8"], "a", "192.168.0.1", false);
        check(&["127.0.0.1"], "a", "127.0.0.1", true);
        check(&["127.0.0.1"], "a", "127.0.0.2", false);
        check(&["models.local"], "Models.Local.", "192.168.0.1", true);
        check(&["models.local"], "evil-models.local", "192.168.0.1", false);
        check(&["*.lan"], "a.b.lan", "192.168.0.1", true);
        check(&["*.lan"], "lan", "192.168.0.1", false);
        check(&["0.0.0.0/0", "::/0", "metadata"], "metadata", "169.254.169.254", false);
        check(&["0.0.0.0/0", "::/0"], "metadata", "::ffff:169.254.169.254", false);
        for secrets in ["169.254.170.2", "169.254.170.23", "100.100.100.200", "168.63.129.16"] {
            check(&["0.0.0.0/0", secrets, "metadata"], "metadata", secrets, false);
        }
        for secrets in ["fd00:ec2::254", "fd00:ec2::23"] {
            check(&["::/0", secrets, "metadata"], "metadata", secrets, false);
        }
        check(&["0.0.0.0/0"], "a", "169.254.1.1", true);
    }

    #[test]
    fn what_is_no_exception_is_told() {
        for wrong in ["", "10.0.0.0/33", "10.0.0.300", "http://a", "a b", "*", "*.", "a/b"] {
            assert_eq!(Allowed::parse(wrong), None, "{wrong}");
        }
    }
}
