use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use futures::{SinkExt as _, StreamExt as _};
use kernel::Problem;
use tokio::time::MissedTickBehavior;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};

use crate::{
    close::{End, close},
    http::Socket,
    member::{Entered, Member, Missed, SignedOut, Since, Visitor},
    protocol::{Ask, Tell},
    seats::Seat,
    upgrade::Stream,
};

/// A peer that takes nothing for this long is given up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Pings that may stay without any sign of life.
const SILENT_PINGS: u32 = 3;

struct Connection {
    member: Member,
    stream: Stream,
}

impl From<SignedOut> for End {
    fn from(_: SignedOut) -> Self {
        Self::SIGNED_OUT
    }
}

pub(crate) async fn serve(socket: Socket, visitor: Visitor, seat: Seat, stream: Stream) {
    let mut connection = Connection { member: Member::new(socket, visitor, seat), stream };
    let end = connection.run().await;
    let Connection { mut member, mut stream } = connection;
    Box::pin(member.save_ack()).await;
    drop(member);
    if let Err(end) = end {
        Box::pin(close(&mut stream, end)).await;
    }
}

/// Thousands of connections are idle at a time, and a task is as large as all that it may ever do: what is seldom done has
/// a box of its own while it is done.
impl Connection {
    async fn run(&mut self) -> Result<(), End> {
        let acked = Box::pin(self.member.last_acked()).await;
        let ctx = &self.member.ctx;
        let welcome = Tell::Welcome {
            user: ctx.actor.user().map(|id| id.to_string()),
            workspace: ctx.workspace.to_string(),
            offset: self.member.socket.0.events.delivered(),
            acked,
        };
        self.tell(&welcome).await?;
        let every = Duration::from_secs(self.member.socket.0.events.config().ping_s.into());
        let mut beat = tokio::time::interval(every);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let stop = self.member.socket.0.stop.clone();
        let outlet = self.member.inlet.outlet.clone();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Err(End::GOING_AWAY),
                () = outlet.slow.notified() => {
                    if outlet.is_slow.load(Ordering::Relaxed) {
                        metrics::counter!("realtime_slow_consumers_total").increment(1);
                        return Err(End::SLOW);
                    }
                }
                _ = beat.tick() => {
                    if heard.elapsed() > SILENT_PINGS * every {
                        return Err(End::Gone);
                    }
                    Box::pin(self.check_again()).await?;
                    Box::pin(self.member.save_ack()).await;
                    self.send(Message::Ping(Bytes::new())).await?;
                }
                Some(delivery) = self.member.inlet.queue.recv() => {
                    if self.member.wants(&delivery) {
                        self.send(Message::Text(delivery.text.clone())).await?;
                    }
                }
                message = self.stream.next() => {
                    heard = Instant::now();
                    match message {
                        None => return Ok(()),
                        // A close was answered by the library; what is left is to hang up.
                        Some(Err(Error::ConnectionClosed | Error::AlreadyClosed)) => return Ok(()),
                        Some(Err(error)) => return Err(error.into()),
                        Some(Ok(message)) => Box::pin(self.hear(message)).await?,
                    }
                }
            }
        }
    }

    /// Tells of the rooms that the client may not be in any more.
    async fn check_again(&mut self) -> Result<(), End> {
        for lost in self.member.check_again().await? {
            self.refuse(Some(lost.room.as_str()), &lost.problem).await?;
            self.tell(&Tell::Left { room: lost.room.as_str() }).await?;
        }
        Ok(())
    }

    async fn hear(&mut self, message: Message) -> Result<(), End> {
        // A close is echoed by the library, and the end of the stream follows.
        if matches!(message, Message::Close(_)) {
            return Ok(());
        }
        if !self.member.may_speak() {
            return Err(End::FLOOD);
        }
        match message {
            Message::Text(text) => self.answer(&text).await,
            Message::Binary(_) => {
                self.refuse(None, &Problem::bad_request("realtime.binary", "send JSON as text frames")).await
            }
            // Pings are answered by the library.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => Ok(()),
        }
    }

    async fn answer(&mut self, text: &Utf8Bytes) -> Result<(), End> {
        match serde_json::from_str(text) {
            Ok(Ask::Join { room, offset, resume, presence }) => {
                let since = match (offset, resume) {
                    (Some(offset), _) => Since::Offset(offset),
                    (None, true) => Since::Acked,
                    (None, false) => Since::Now,
                };
                match self.member.join(&room, since, presence).await {
                    Ok(entered) => self.enter(&room, entered).await,
                    Err(problem) => self.refuse(Some(&room), &problem).await,
                }
            }
            Ok(Ask::Leave { room }) => {
                self.member.leave(&room);
                self.tell(&Tell::Left { room: &room }).await
            }
            Ok(Ask::Who { room }) => match self.member.who(&room).await {
                Ok((room, here)) => self.tell(&Tell::presence(&room, &here)).await,
                Err(problem) => self.refuse(Some(&room), &problem).await,
            },
            Ok(Ask::Ping {}) => self.tell(&Tell::Pong {}).await,
            Ok(Ask::Ack { offset }) => {
                self.member.ack(offset).await;
                Ok(())
            }
            Err(error) => {
                let problem = Problem::bad_request(
                    "realtime.message",
                    format!("not a message of this protocol: {error}"),
                );
                self.refuse(None, &problem).await
            }
        }
    }

    async fn enter(&mut self, room: &str, entered: Entered) -> Result<(), End> {
        match entered.missed {
            Missed::Events(missed) => {
                for delivery in missed {
                    self.send(Message::Text(delivery.text)).await?;
                }
            }
            Missed::Reset => self.tell(&Tell::Reset { room, offset: entered.offset }).await?,
        }
        self.tell(&Tell::Joined { room, offset: entered.offset, presence: entered.here.connections }).await
    }

    async fn refuse(&mut self, room: Option<&str>, problem: &Problem) -> Result<(), End> {
        self.tell(&Tell::problem(room, problem)).await
    }

    async fn tell(&mut self, message: &Tell<'_>) -> Result<(), End> {
        self.send(Message::Text(message.to_text().into())).await
    }

    /// A peer that does not read must not keep its connection, and the memory behind it, for ever.
    async fn send(&mut self, message: Message) -> Result<(), End> {
        match tokio::time::timeout(WRITE_TIMEOUT, self.stream.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => {
                metrics::counter!("realtime_slow_consumers_total").increment(1);
                Err(End::Gone)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_task<F>(_: impl FnOnce(Socket, Visitor, Seat, Stream) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn an_idle_connection_carries_little() {
        let size = size_of_task(serve);
        assert!(size < 8 * 1024, "the task of a connection takes {size} bytes: box what is seldom done");
    }
}
