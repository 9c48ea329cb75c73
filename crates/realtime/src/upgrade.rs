//! From an HTTP request to a WebSocket, with what many idle connections need: small buffers.

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse as _, Response},
};
use http::{StatusCode, request::Parts};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use kernel::Problem;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::server::create_response,
        protocol::{Role, WebSocketConfig},
    },
};

pub type Stream = WebSocketStream<TokioIo<Upgraded>>;

/// Clients send little: joins, acknowledgements, pings. The buffer grows for a larger message, up to the limit.
const READ_BUFFER: usize = 1024;
/// A peer that does not read makes a write wait; this is what may wait in memory meanwhile.
const WRITE_BUFFER_MAX: usize = 1024 * 1024;

/// A request that asks for a WebSocket, or why it does not.
pub struct Upgrade(Result<Accepted, Problem>);

struct Accepted {
    response: Response,
    on_upgrade: OnUpgrade,
}

impl<S: Send + Sync> FromRequestParts<S> for Upgrade {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(accept(parts)))
    }
}

fn accept(parts: &mut Parts) -> Result<Accepted, Problem> {
    let needed = || {
        Problem::new(
            426,
            "realtime.upgrade-required",
            "this path speaks WebSocket (RFC 6455): send Connection: Upgrade, Upgrade: websocket, and version 13",
        )
    };
    let (mut head, ()) = http::Request::new(()).into_parts();
    head.method = parts.method.clone();
    head.version = parts.version;
    head.headers = parts.headers.clone();
    let response = create_response(&http::Request::from_parts(head, ())).map_err(|_| needed())?;
    let on_upgrade = parts.extensions.remove::<OnUpgrade>().ok_or_else(needed)?;
    let mut answer = StatusCode::SWITCHING_PROTOCOLS.into_response();
    *answer.headers_mut() = response.headers().clone();
    Ok(Accepted { response: answer, on_upgrade })
}

impl Upgrade {
    /// The answer to send, and the WebSocket that comes of it once it was sent.
    pub fn accept(
        self,
        message_bytes_max: usize,
    ) -> Result<(Response, impl Future<Output = Option<Stream>> + Send), Problem> {
        let Accepted { response, on_upgrade } = self.0?;
        let stream = async move {
            let upgraded = match on_upgrade.await {
                Ok(upgraded) => upgraded,
                Err(error) => {
                    tracing::debug!(%error, "a client left during the handshake");
                    return None;
                }
            };
            let config = WebSocketConfig::default()
                .read_buffer_size(READ_BUFFER)
                .write_buffer_size(0)
                .max_write_buffer_size(WRITE_BUFFER_MAX.max(2 * message_bytes_max))
                .max_message_size(Some(message_bytes_max))
                .max_frame_size(Some(message_bytes_max));
            Some(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await)
        };
        Ok((response, stream))
    }
}
