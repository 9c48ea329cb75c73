use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
};

use url::Url;

use super::messages::Fault;
use crate::model::{Network, Source, SourceKind};

/// Where clouds tell their machines' secrets; no camera is there.
const NEVER: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// What a source may be, decided anew each time that one is opened.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    networks: Vec<Network>,
    roots: Vec<PathBuf>,
}

/// A source that may be opened.
pub(crate) struct Admitted {
    /// The path, or the address to connect to, with its credentials.
    pub(crate) url: String,
    /// `multipart/x-mixed-replace`: pictures without times, which arrival must give.
    pub(crate) is_mjpeg: bool,
}

const REDIRECTS_MAX: usize = 5;

impl Gate {
    pub(crate) fn new(networks: &[String], roots: Vec<PathBuf>) -> Self {
        Self { networks: networks.iter().filter_map(|text| Network::parse(text)).collect(), roots }
    }

    /// Checks a source and finds where it leads.
    pub(crate) async fn admit(&self, source: &Source) -> Result<Admitted, Fault> {
        match source.kind {
            SourceKind::File => {
                let path = PathBuf::from(source.expose_url());
                let roots = self.roots.clone();
                let checked = tokio::task::spawn_blocking(move || file_in(&roots, &path)).await;
                let path = checked.map_err(|_| Fault::retry("the file could not be looked at", ""))??;
                Ok(Admitted { url: path.to_string_lossy().into_owned(), is_mjpeg: false })
            }
            SourceKind::Rtsp => {
                let mut url = parse(source.expose_url())?;
                let address = self.resolve(&url).await?;
                // The checked address is the one that is used, whatever the name says a moment later. With TLS the
                // name is needed for the certificate.
                if url.scheme() == "rtsp" {
                    let _ = url.set_ip_host(address);
                }
                Ok(Admitted { url: url.into(), is_mjpeg: false })
            }
            SourceKind::Http => self.follow(source.expose_url()).await,
        }
    }

    /// Follows redirects by hand, each checked as the first address was.
    async fn follow(&self, url: &str) -> Result<Admitted, Fault> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(std::time::Duration::from_secs(5))
            .no_proxy()
            .build()
            .map_err(|_| Fault::retry("the HTTP client cannot be set up", ""))?;
        let mut url = parse(url)?;
        for _ in 0..=REDIRECTS_MAX {
            self.resolve(&url).await?;
            let answer =
                tokio::time::timeout(std::time::Duration::from_secs(10), client.get(url.clone()).send())
                    .await
                    .map_err(|_| {
                        Fault::retry(
                            "the camera did not answer in time",
                            "check the address, and that the camera is on",
                        )
                    })?;
            let answer = answer.map_err(|error| {
                if error.is_connect() {
                    Fault::retry(
                        "the camera cannot be reached",
                        "check the address and port, and that the camera is on and in the network",
                    )
                } else {
                    Fault::retry(
                        "the camera's HTTP answer makes no sense",
                        "check that the address is that of a video stream",
                    )
                }
            })?;
            let status = answer.status();
            if status.is_redirection() {
                let to = answer.headers().get(http::header::LOCATION).and_then(|value| value.to_str().ok());
                let next = to.and_then(|to| url.join(to).ok());
                let mut next =
                    next.ok_or_else(|| Fault::fatal("the camera redirects to nowhere", "check the address"))?;
                if !["http", "https"].contains(&next.scheme()) {
                    return Err(Fault::fatal(
                        "the camera redirects to something other than HTTP",
                        "use the final address",
                    ));
                }
                // Credentials stay with the host that they were given for.
                let same = next.host_str() == url.host_str()
                    && next.port_or_known_default() == url.port_or_known_default()
                    && next.scheme() == url.scheme();
                if same && next.username().is_empty() {
                    let _ = next.set_username(url.username());
                    let _ = next.set_password(url.password());
                }
                url = next;
                continue;
            }
            // 401 may ask for a digest, which ffmpeg can give.
            if !status.is_success() && status.as_u16() != 401 {
                return Err(Fault::of_http_status(status.as_u16()));
            }
            let kind = answer
                .headers()
                .get(http::header::CONTENT_TYPE)
                .and_then(|value| value.to_str().ok())
                .unwrap_or("");
            let is_mjpeg = kind.trim().to_ascii_lowercase().starts_with("multipart/");
            return Ok(Admitted { url: url.into(), is_mjpeg });
        }
        Err(Fault::fatal("the camera redirects in a circle", "use the final address"))
    }

    /// The first address of the host, once all of them may be connected to.
    async fn resolve(&self, url: &Url) -> Result<IpAddr, Fault> {
        let host = url.host_str().unwrap_or("").trim_matches(['[', ']']);
        let port = url.port_or_known_default().unwrap_or(if url.scheme() == "rtsps" { 322 } else { 554 });
        let unknown = || {
            Fault::retry(
                format!("the host name {host:?} is not known"),
                "check the address, or use the camera's IP address",
            )
        };
        let found = tokio::net::lookup_host((host, port)).await.map_err(|_| unknown())?;
        let addresses: Vec<IpAddr> = found.map(|address| address.ip().to_canonical()).collect();
        if let Some(refused) = addresses.iter().find(|address| !self.allows(**address)) {
            return Err(Fault::fatal(
                format!("the address {refused} may not be used for cameras"),
                "an administrator can allow its network with surveillance.allow_networks",
            ));
        }
        addresses.first().copied().ok_or_else(unknown)
    }

    fn allows(&self, address: IpAddr) -> bool {
        if NEVER.contains(&address) || address.is_unspecified() || address.is_multicast() {
            return false;
        }
        let special = match address {
            IpAddr::V4(v4) => {
                let shared = v4.octets()[0] == 100 && (64..128).contains(&v4.octets()[1]);
                v4.is_private()
                    || v4.is_loopback()
                    || v4.is_link_local()
                    || v4.is_broadcast()
                    || shared
                    || v4.octets()[0] == 0
                    || v4.octets()[0] >= 240
            }
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
        };
        !special || self.networks.iter().any(|network| network.holds(address))
    }
}

fn parse(url: &str) -> Result<Url, Fault> {
    Url::parse(url).map_err(|_| Fault::fatal("the address cannot be read", "check the address"))
}

/// The file's real path, if it is a file below one of the roots, links followed.
fn file_in(roots: &[PathBuf], path: &Path) -> Result<PathBuf, Fault> {
    let listed = roots.iter().map(|root| root.display().to_string()).collect::<Vec<_>>().join(", ");
    let outside = || {
        Fault::fatal(
            "this file lies outside the folders that cameras may read from",
            format!("put it below one of: {listed}; or add its folder to surveillance.file_roots"),
        )
    };
    // A file that is not there and one that may not be seen are told apart only inside the roots.
    let real = match path.canonicalize() {
        Ok(real) => real,
        Err(error) => {
            let below = roots.iter().any(|root| path.starts_with(root))
                && !path.components().any(|part| part.as_os_str() == "..");
            if !below {
                return Err(outside());
            }
            return Err(match error.kind() {
                std::io::ErrorKind::PermissionDenied => Fault::fatal(
                    "the file may not be read",
                    "give the user that runs Socle the right to read it",
                ),
                _ => Fault::fatal("there is no such file", "check the path; it is one on the server"),
            });
        }
    };
    let inside = roots.iter().filter_map(|root| root.canonicalize().ok()).any(|root| real.starts_with(root));
    if !inside {
        return Err(outside());
    }
    if !real.is_file() {
        return Err(Fault::fatal("this is a folder, or no plain file", "give the path of one video file"));
    }
    std::fs::File::open(&real).map_err(|_| {
        Fault::fatal("the file may not be read", "give the user that runs Socle the right to read it")
    })?;
    Ok(real)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate::new(&crate::Config::default().allow_networks, vec![])
    }

    #[test]
    fn private_networks_pass_and_metadata_never_does() {
        let check = |address: &str, expected: bool| {
            assert_eq!(gate().allows(address.parse().unwrap()), expected, "{address}");
        };
        check("192.168.1.20", true);
        check("127.0.0.1", true);
        check("93.184.216.34", true);
        check("169.254.169.254", false);
        check("169.254.1.1", false);
        check("100.100.100.200", false);
        check("0.0.0.0", false);
        check("224.0.0.1", false);
        check("fe80::1", false);
        check("fd00:ec2::254", false);
        check("fd12::1", true);
        check("2001:db8::1", true);
        let closed = Gate::new(&["10.1.0.0/16".to_owned()], vec![]);
        assert!(closed.allows("10.1.2.3".parse().unwrap()));
        assert!(!closed.allows("10.2.2.3".parse().unwrap()));
        assert!(!closed.allows("127.0.0.1".parse().unwrap()));
        let everything = Gate::new(&["0.0.0.0/0".to_owned()], vec![]);
        assert!(everything.allows("169.254.1.1".parse().unwrap()));
        assert!(!everything.allows("169.254.169.254".parse().unwrap()));
    }

    #[test]
    fn networks_read_or_not() {
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "x/8", "10.0.0.0/-1"] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Network::parse("10.0.0.1").unwrap().to_string(), "10.0.0.1/32");
    }

    #[test]
    fn files_stay_below_their_roots() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("media");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(root.join("a.mp4"), b"x").unwrap();
        std::fs::write(folder.path().join("secret"), b"x").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), root.join("link")).unwrap();
        let roots = [root.clone()];
        let text = |path: &str| file_in(&roots, &root.join(path)).map_err(|fault| fault.message);
        assert!(text("a.mp4").is_ok());
        assert!(text("missing.mp4").unwrap_err().contains("no such file"));
        for outside in ["../secret", "link", "/etc/passwd", "/no/such/file", "../missing"] {
            assert!(text(outside).unwrap_err().contains("outside"), "{outside}");
        }
        assert!(text("").unwrap_err().contains("folder"));
    }
}
