//! Where a request comes from, through whatever stands between.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::HeaderMap;

/// Proxies leave one of these.
const LEFT_BY_PROXIES: [&str; 3] = ["x-forwarded-for", "forwarded", "x-real-ip"];

/// The address that a request counts under. `true`: it is the caller's own; `false`: that of a proxy which nobody told us to
/// trust, or which does not say for whom it asks.
pub(crate) fn caller(headers: &HeaderMap, peer: IpAddr, trusted: &[IpAddr]) -> (IpAddr, bool) {
    // A socket for both families sees 10.0.0.1 as ::ffff:10.0.0.1.
    let peer = peer.to_canonical();
    if !LEFT_BY_PROXIES.iter().any(|name| headers.contains_key(*name)) {
        (peer, true)
    } else if is_among(trusted, peer) {
        forwarded_for(headers, peer, trusted)
    } else {
        (peer, false)
    }
}

pub(crate) fn is_among(trusted: &[IpAddr], address: IpAddr) -> bool {
    let address = address.to_canonical();
    trusted.iter().any(|trusted| trusted.to_canonical() == address)
}

/// From the right, over all `X-Forwarded-For` lines: each trusted proxy wrote the entry before its own, so the first that is
/// no trusted proxy is the caller. What stands further left could be anybody's claim; so could what stands left of an entry
/// that cannot be read, and the last proxy that is known for sure stands for the caller then.
fn forwarded_for(headers: &HeaderMap, peer: IpAddr, trusted: &[IpAddr]) -> (IpAddr, bool) {
    let (mut known, mut is_own) = (peer, false);
    for line in headers.get_all("x-forwarded-for").iter().rev() {
        for entry in line.as_bytes().rsplit(|byte| *byte == b',') {
            let Some(address) = std::str::from_utf8(entry).ok().and_then(parse) else {
                return (known, false);
            };
            if !is_among(trusted, address) {
                return (address, true);
            }
            (known, is_own) = (address, true);
        }
    }
    (known, is_own)
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`.
fn parse(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bracketed = || entry.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    let address = entry
        .parse::<IpAddr>()
        .ok()
        .or_else(|| entry.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| bracketed().map(IpAddr::V6))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const PROXY: &str = "10.0.0.1";

    #[track_caller]
    fn check(peer: &str, lines: &[&str], expected: (&str, bool)) {
        let trusted = [PROXY, "10.0.0.2", "2001:db8::2"].map(|address| address.parse().unwrap());
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        let found = caller(&headers, peer.parse().unwrap(), &trusted);
        assert_eq!(found, (expected.0.parse().unwrap(), expected.1), "{peer} {lines:?}");
    }

    #[test]
    fn what_trusted_proxies_say_counts_and_nothing_before_it() {
        check("192.0.2.9", &[], ("192.0.2.9", true));
        check(PROXY, &[], (PROXY, true));
        check(PROXY, &["192.0.2.1"], ("192.0.2.1", true));
        check(PROXY, &["6.6.6.6, 192.0.2.1"], ("192.0.2.1", true));
        check(PROXY, &["6.6.6.6,192.0.2.1 , 10.0.0.2"], ("192.0.2.1", true));
        // A line for each proxy is as good as one list.
        check(PROXY, &["6.6.6.6", "192.0.2.1"], ("192.0.2.1", true));
        check(PROXY, &["6.6.6.6", "192.0.2.1", "10.0.0.2"], ("192.0.2.1", true));
        check(PROXY, &["10.0.0.2"], ("10.0.0.2", true));
        check("::ffff:10.0.0.1", &["::ffff:192.0.2.1"], ("192.0.2.1", true));
    }

    #[test]
    fn ports_and_brackets_are_read() {
        check(PROXY, &["6.6.6.6, 192.0.2.1:4711"], ("192.0.2.1", true));
        check(PROXY, &["6.6.6.6, 2001:db8::1"], ("2001:db8::1", true));
        check(PROXY, &["6.6.6.6, [2001:db8::1]"], ("2001:db8::1", true));
        check(PROXY, &["6.6.6.6, [2001:db8::1]:4711"], ("2001:db8::1", true));
        check(PROXY, &["6.6.6.6, 192.0.2.1:4711, [2001:db8::2]:80"], ("192.0.2.1", true));
    }

    #[test]
    fn what_cannot_be_read_ends_the_walk() {
        for unreadable in ["unknown", "unix:", "_hidden", "", "192.0.2.1:port", "[2001:db8::1", "é"] {
            check(PROXY, &[&format!("6.6.6.6, {unreadable}")], (PROXY, false));
            check(PROXY, &["6.6.6.6", unreadable, "10.0.0.2"], ("10.0.0.2", false));
            // What the caller made up does not matter.
            check(PROXY, &[&format!("{unreadable}, 192.0.2.1")], ("192.0.2.1", true));
        }
    }

    #[test]
    fn a_proxy_that_nobody_trusts_says_nothing() {
        check("192.0.2.9", &["6.6.6.6"], ("192.0.2.9", false));
        check("192.0.2.9", &[PROXY], ("192.0.2.9", false));
        for name in ["forwarded", "x-real-ip"] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static("6.6.6.6"));
            let (peer, trusted) = ("10.0.0.1".parse().unwrap(), ["10.0.0.1".parse().unwrap()]);
            assert_eq!(caller(&headers, peer, &[]), (peer, false), "{name}");
            assert_eq!(caller(&headers, peer, &trusted), (peer, false), "{name}");
        }
    }
}
