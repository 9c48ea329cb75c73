use axum::{body::Body, response::Response};
use kernel::ToProblem as _;
use outbound::Error;

use crate::{outbound, upstream::Upstream};

fn redirect(to: &str) -> Response {
    Response::builder().status(302).header("location", to).body(Body::empty()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_and_names_that_lead_there_are_refused() {
    let upstream = Upstream::http(|_, _| async { Response::new(Body::empty()) }).await;
    let port = upstream.address.port();
    let to = outbound(|config| config.private_allowed.clear()).to("test");
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "localhost", "0.0.0.0"] {
        let failure = to.get(format!("http://{host}:{port}/")).send().await.unwrap_err();
        assert!(matches!(failure, Error::Refused(_)), "{host}: {failure:?}");
        assert_eq!(failure.problem().status, 422);
    }
    assert_eq!(upstream.calls(), 0);
    // What the administrator named.
    let to = outbound(|config| config.private_allowed = vec!["localhost".to_owned()]).to("test");
    to.get(format!("http://localhost:{port}/")).send().await.unwrap().success().unwrap();
    let to = outbound(|config| config.private_allowed.clear())
        .to("test")
        .with(|policy| policy.private_allowed = true);
    to.get(upstream.url("/")).send().await.unwrap().success().unwrap();
    assert_eq!(upstream.calls(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_a_private_address_is_refused() {
    let secret = Upstream::http(|_, _| async { Response::new(Body::from("secret")) }).await;
    let port = secret.address.port();
    let upstream = Upstream::http(move |_, request| async move {
        match request.uri().path() {
            "/address" => redirect(&format!("http://127.0.0.2:{port}/")),
            "/name" => redirect(&format!("http://localhost:{port}/")),
            "/metadata" => redirect("http://169.254.169.254/latest/meta-data/"),
            _ => redirect("ftp://127.0.0.1/"),
        }
    })
    .await;
    // Only 127.0.0.1 is allowed, and that by address: `localhost` may be ::1 too, which is not.
    let to = outbound(|_| {}).to("test");
    for path in ["/address", "/metadata"] {
        let failure = to.get(upstream.url(path)).send().await.unwrap_err();
        assert!(matches!(failure, Error::Refused(_)), "{path}: {failure:?}");
    }
    assert_eq!(secret.calls(), 0);
    let to = outbound(|config| config.private_allowed = vec![upstream.address.ip().to_string()]).to("test");
    let failure = to.get(upstream.url("/ftp")).send().await.unwrap_err();
    assert!(matches!(failure, Error::Redirects { .. }), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_followed_five_times_by_what_reads() {
    let upstream = Upstream::http(|_, request| async move {
        match request.uri().path() {
            "/once" => redirect("/there"),
            "/there" => Response::new(Body::from("here")),
            _ => redirect("/circle"),
        }
    })
    .await;
    let to = outbound(|_| {}).to("test");
    let answer = to.get(upstream.url("/once")).send().await.unwrap().success().unwrap();
    assert_eq!((answer.url.path(), answer.text().as_ref()), ("/there", "here"));
    assert_eq!(to.post(upstream.url("/once")).send().await.unwrap().status, 302, "a body is not sent on");
    let failure = to.get(upstream.url("/circle")).send().await.unwrap_err();
    assert!(matches!(failure, Error::Redirects { .. }), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_header_stays_with_its_host() {
    let other = Upstream::http(|_, _| async { Response::new(Body::empty()) }).await;
    let away = other.url("/");
    let upstream = Upstream::http(move |_, _| {
        let away = away.clone();
        async move { redirect(&away) }
    })
    .await;
    let to = outbound(|_| {}).to("test");
    let answer = to.get(upstream.url("/")).header("x-api-key", "secret").send().await.unwrap();
    assert_eq!((answer.status.as_u16(), other.calls()), (302, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_address_is_told_without_its_secrets() {
    let to = outbound(|_| {}).to("test");
    for wrong in ["", "example.org", "ftp://example.org/", "http://", "file:///etc/passwd", "javascript:1"] {
        let failure = to.get(wrong).send().await.unwrap_err();
        assert!(matches!(failure, Error::Url(_)), "{wrong}: {failure:?}");
    }
    let failure = to.get("gopher://example.org/?token=secret").send().await.unwrap_err();
    assert!(!failure.to_string().contains("secret"), "{failure}");
    let failure = to.get("http://no-such-host.invalid/path-secret").send().await.unwrap_err();
    assert!(matches!(failure, Error::Connect { .. }), "{failure:?}");
    assert!(!format!("{failure:?}").contains("path-secret"), "{failure:?}");
}
