/// A text without the credentials of the URLs in it: `redis://:***@host/0`, `https://host/?token=***`.
pub fn redact(text: &str) -> String {
    const SECRET_NAMES: [&str; 7] = ["pass", "secret", "token", "key", "sig", "auth", "credential"];
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        let end =
            after.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',')).unwrap_or(after.len());
        let (url, more) = after.split_at(end);
        let authority_end = url.find(['/', '?', '#']).unwrap_or(url.len());
        let (authority, path) = url.split_at(authority_end);
        // A password may hold a slash that nobody escaped: then the last @ says where it ends.
        let (authority, path) = match url.rfind('@') {
            Some(at) if at > authority_end && url[..authority_end].contains(':') => {
                url.split_at(url[at..].find(['/', '?', '#']).map_or(url.len(), |more| at + more))
            }
            _ => (authority, path),
        };
        match authority.rsplit_once('@') {
            None => shown.push_str(authority),
            Some((who, host)) => {
                match who.split_once(':') {
                    Some((user, _)) => shown.push_str(&format!("{user}:***")),
                    None => shown.push_str("***"),
                }
                shown.push('@');
                shown.push_str(host);
            }
        }
        match path.split_once('?') {
            None => shown.push_str(path),
            Some((path, query)) => {
                let pairs = query.split('&').map(|pair| match pair.split_once('=') {
                    Some((name, _))
                        if SECRET_NAMES.iter().any(|part| name.to_ascii_lowercase().contains(part)) =>
                    {
                        format!("{name}=***")
                    }
                    _ => pair.to_owned(),
                });
                shown.push_str(&format!("{path}?{}", pairs.collect::<Vec<_>>().join("&")));
            }
        }
        rest = more;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn credentials_in_urls_are_not_shown() {
        let check = |text: &str, expected: &str| assert_eq!(redact(text), expected);
        check("redis://:hunter2@host:6379/0", "redis://:***@host:6379/0");
        check("postgres://me:hun/ter2@host/db", "postgres://me:***@host/db");
        check("postgres://me:a@b@host/db", "postgres://me:***@host/db");
        check("smtp://token@host", "smtp://***@host");
        check("https://host/x?api_key=1&page=2", "https://host/x?api_key=***&page=2");
        check("https://host/@me", "https://host/@me");
        check("see https://a:b@c, and d", "see https://a:***@c, and d");
        check("sqlite://data/socle.db", "sqlite://data/socle.db");
        check("no url", "no url");
    }
}
