//! How a WebSocket ends (RFC 6455 §7.4).

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::{
    Error, Message, Utf8Bytes,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::upgrade::Stream;

/// How long a peer may take to answer a close.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why a connection ends.
#[derive(Debug)]
pub enum End {
    /// Nobody is there to be told.
    Gone,
    Close(u16, &'static str),
}

impl End {
    pub const GOING_AWAY: Self = Self::Close(1001, "the server stops");
    pub const SLOW: Self = Self::Close(4008, "too slow: come back with your offset");
    pub const SIGNED_OUT: Self = Self::Close(4401, "signed out");
    pub const FLOOD: Self = Self::Close(4429, "too many messages");
}

impl From<Error> for End {
    /// What the peer did wrong is told to it.
    fn from(error: Error) -> Self {
        match error {
            Error::Protocol(_) => Self::Close(1002, "not the WebSocket protocol"),
            Error::Utf8(_) => Self::Close(1007, "text is UTF-8"),
            Error::Capacity(_) => Self::Close(1009, "the message is too large"),
            _ => Self::Gone,
        }
    }
}

/// Says why, and waits a moment for the peer to agree. What the peer still sends is read to its end: closing a socket with
/// unread data resets it, and the peer might never see why.
pub async fn close(stream: &mut Stream, end: End) {
    let End::Close(code, reason) = end else { return };
    let frame = CloseFrame { code: CloseCode::from(code), reason: Utf8Bytes::from_static(reason) };
    let parting = async {
        stream.send(Message::Close(Some(frame))).await?;
        while let Some(message) = stream.next().await {
            match message {
                Ok(_) => {}
                Err(Error::ConnectionClosed | Error::AlreadyClosed | Error::Io(_)) => return Ok(()),
                // Not the protocol any more: the bytes alone.
                Err(_) => break,
            }
        }
        let socket = stream.get_mut();
        socket.shutdown().await?;
        let mut rest = [0; 1024];
        while socket.read(&mut rest).await? > 0 {}
        Ok::<_, Error>(())
    };
    drop(tokio::time::timeout(PATIENCE, parting).await);
}
