//! An echo server on the WebSocket of `/ws`, for the Autobahn suite (scripts/autobahn.sh): what comes goes back, with the
//! same handshake, the same library settings and the same way of closing; only the size limit is the suite's.
//!
//!     cargo run -p realtime --example echo 127.0.0.1:9001

use axum::{Router, response::Response, routing::get};
use futures::{SinkExt as _, StreamExt as _};
use realtime::websocket::{End, Stream, Upgrade, close};
use tokio_tungstenite::tungstenite::Error;
use tokio_util::task::TaskTracker;

/// The suite sends messages of 16 MiB.
const MESSAGE_BYTES_MAX: usize = 32 * 1024 * 1024;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let tasks = TaskTracker::new();
    let connect = move |upgrade: Upgrade| async move {
        let (response, stream) = upgrade.accept(MESSAGE_BYTES_MAX).map_err(web::Error::from)?;
        tasks.spawn(async move {
            if let Some(mut stream) = stream.await
                && let Err(error) = echo(&mut stream).await
            {
                close(&mut stream, End::from(error)).await;
            }
        });
        Ok::<Response, web::Error>(response)
    };
    let listener = tokio::net::TcpListener::bind(&listen).await?;
    axum::serve(listener, Router::new().route("/", get(connect))).await?;
    Ok(())
}

async fn echo(stream: &mut Stream) -> Result<(), Error> {
    while let Some(message) = stream.next().await {
        match message {
            Ok(message) if message.is_text() || message.is_binary() => stream.send(message).await?,
            Ok(_) => {}
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
