//! Connections: accepted, given a time for the head of each request, and ended in order.
//!
//! `axum::serve` would do but for one thing: it waits for a request's head for ever, so that a few thousand slow clients
//! could hold all connections.

use std::{io, net::SocketAddr, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use platform::Spawner;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

/// Serves until the spawner's token is cancelled, then lets open requests end.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    header_timeout: Duration,
    spawner: &Spawner,
) {
    let stop = spawner.token();
    let graceful = GracefulShutdown::new();
    let mut http = auto::Builder::new(TokioExecutor::new()).http1_only();
    http.http1().timer(TokioTimer::new()).header_read_timeout(header_timeout);
    let connections = metrics::gauge!("http_connections");
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        let open = Open::new(&connections);
        let service = service(router.clone(), peer);
        let connection = http.serve_connection_with_upgrades(TokioIo::new(prepared(stream)), service);
        let connection = graceful.watch(connection.into_owned());
        spawner.spawn("connection", async move {
            let _open = open;
            if let Err(error) = connection.await {
                // Clients come and go; a slow head ends here too.
                tracing::trace!(%error, %peer, "a connection ended early");
            }
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

fn service(
    router: Router,
    peer: SocketAddr,
) -> impl hyper::service::Service<
    http::Request<Incoming>,
    Response = axum::response::Response,
    Error = std::convert::Infallible,
    Future: Send,
> {
    hyper::service::service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request.map(Body::new))
    })
}

fn prepared(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    stream
}

/// A connection that was gone before it was taken is no matter; out of files or memory, others must end first.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(%error, "connections cannot be accepted; trying again in a second");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Counts a connection while it is there.
struct Open(metrics::Gauge);

impl Open {
    fn new(gauge: &metrics::Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
