//! Pictures from the child to whoever looks at them, through a few buffers used in turn.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _},
    sync::Notify,
};
use vision::Frame;

/// A picture with its place in time.
#[derive(Debug)]
pub(crate) struct Picture {
    /// Its `time_us` is wall time in microseconds since 1970.
    pub(crate) frame: Frame,
    /// From the stream's begin, in microseconds.
    pub(crate) stream_us: i64,
}

/// Between the reader and the analysis: one place. Never a queue.
#[derive(Debug)]
pub(crate) struct Slot {
    state: Mutex<State>,
    filled: Notify,
    emptied: Notify,
    /// Newest wins; otherwise the reader waits, and no picture is lost.
    keeps_pace: bool,
}

#[derive(Debug, Default)]
struct State {
    ready: Option<Picture>,
    free: Vec<Frame>,
    skipped: u64,
    closed: bool,
}

/// Buffers kept: one being read, one ready, one being looked at, one shown.
const BUFFERS: usize = 4;

impl Slot {
    pub(crate) fn new(keeps_pace: bool) -> Self {
        Self { state: Mutex::default(), filled: Notify::new(), emptied: Notify::new(), keeps_pace }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A buffer of this size: a used one where there is one.
    pub(crate) fn buffer(&self, width: usize, height: usize) -> Result<Frame, vision::FrameError> {
        let mut state = self.state();
        while let Some(frame) = state.free.pop() {
            if (frame.width(), frame.height()) == (width, height) {
                return Ok(frame);
            }
        }
        drop(state);
        Frame::new(width, height)
    }

    /// Gives a buffer back.
    pub(crate) fn recycle(&self, frame: Frame) {
        let mut state = self.state();
        if state.free.len() < BUFFERS {
            state.free.push(frame);
        }
    }

    /// Puts a picture in.
    pub(crate) async fn put(&self, picture: Picture) {
        let mut picture = Some(picture);
        while let Some(next) = picture.take() {
            let emptied = self.emptied.notified();
            {
                let mut state = self.state();
                if state.closed {
                    return;
                }
                if self.keeps_pace || state.ready.is_none() {
                    if let Some(old) = state.ready.replace(next) {
                        state.skipped += 1;
                        if state.free.len() < BUFFERS {
                            state.free.push(old.frame);
                        }
                    }
                } else {
                    picture = Some(next);
                }
            }
            if picture.is_some() {
                emptied.await;
            } else {
                self.filled.notify_one();
            }
        }
    }

    /// The next picture; `None` when no more will come.
    pub(crate) async fn take(&self) -> Option<Picture> {
        loop {
            let filled = self.filled.notified();
            {
                let mut state = self.state();
                if let Some(picture) = state.ready.take() {
                    self.emptied.notify_one();
                    return Some(picture);
                }
                if state.closed {
                    return None;
                }
            }
            filled.await;
        }
    }

    /// No more pictures: a waiting taker gets what is there, then `None`.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_one();
        self.emptied.notify_one();
    }

    /// Pictures that a newer one replaced before anybody looked.
    pub(crate) fn skipped(&self) -> u64 {
        self.state().skipped
    }
}

/// What stands before the pictures of a YUV4MPEG2 stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// Longest line of the format's text parts that is believed.
const LINE_MAX: u64 = 256;

fn broken(text: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, text.to_owned())
}

async fn line(reader: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    reader.take(LINE_MAX).read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        return Err(broken("the picture stream ended inside a line"));
    }
    String::from_utf8(line).map(Some).map_err(|_| broken("the picture stream's header is not text"))
}

/// Reads the stream's first line; `None` at its end.
pub(crate) async fn read_header(reader: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<Header>> {
    let Some(text) = line(reader).await? else { return Ok(None) };
    let mut parts = text.split(' ');
    if parts.next() != Some("YUV4MPEG2") {
        return Err(broken("this is no YUV4MPEG2 stream"));
    }
    let mut header = Header { width: 0, height: 0 };
    for part in parts {
        match part.split_at_checked(1) {
            Some(("W", value)) => header.width = value.parse().unwrap_or(0),
            Some(("H", value)) => header.height = value.parse().unwrap_or(0),
            Some(("C", value)) if !value.starts_with("420") => {
                return Err(broken("the pictures are not 4:2:0"));
            }
            _ => {}
        }
    }
    if header.width == 0 || header.height == 0 {
        return Err(broken("the picture stream's header names no size"));
    }
    Ok(Some(header))
}

/// Reads one picture into `frame`, whose size is the header's; `false` at the stream's end.
pub(crate) async fn read_picture(
    reader: &mut (impl AsyncBufRead + Unpin),
    frame: &mut Frame,
) -> std::io::Result<bool> {
    match line(reader).await? {
        None => return Ok(false),
        Some(text) if text == "FRAME" || text.starts_with("FRAME ") => {}
        // The source changed its size: what follows is no picture of ours.
        Some(_) => return Err(broken("the source changed its picture size")),
    }
    match reader.read_exact(frame.data_mut()).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(stream_us: i64) -> Picture {
        Picture { frame: Frame::new(4, 4).unwrap(), stream_us }
    }

    #[tokio::test]
    async fn the_newest_picture_wins() {
        let slot = Slot::new(true);
        for time in 0..5 {
            slot.put(picture(time)).await;
        }
        assert_eq!(slot.take().await.unwrap().stream_us, 4);
        assert_eq!(slot.skipped(), 4);
        slot.close();
        assert!(slot.take().await.is_none());
    }

    #[tokio::test]
    async fn or_none_is_lost() {
        let slot = Slot::new(false);
        let writer = async {
            for time in 0..50 {
                slot.put(picture(time)).await;
            }
            slot.close();
        };
        let reader = async {
            let mut seen = Vec::new();
            while let Some(picture) = slot.take().await {
                seen.push(picture.stream_us);
            }
            seen
        };
        let ((), seen) = tokio::join!(writer, reader);
        assert_eq!(seen, (0..50).collect::<Vec<_>>());
        assert_eq!(slot.skipped(), 0);
    }

    #[tokio::test]
    async fn pictures_are_read_and_nonsense_is_refused() {
        let mut bytes = b"YUV4MPEG2 W4 H2 F5:1 Ip A1:1 C420mpeg2\n".to_vec();
        for value in [1_u8, 2] {
            bytes.extend(b"FRAME\n");
            bytes.extend([value; 12]);
        }
        let mut reader = bytes.as_slice();
        let header = read_header(&mut reader).await.unwrap().unwrap();
        assert_eq!(header, Header { width: 4, height: 2 });
        let mut frame = Frame::new(4, 2).unwrap();
        assert!(read_picture(&mut reader, &mut frame).await.unwrap());
        assert!(read_picture(&mut reader, &mut frame).await.unwrap());
        assert_eq!(frame.data()[0], 2);
        assert!(!read_picture(&mut reader, &mut frame).await.unwrap());
        assert!(read_header(&mut &b"GIF89a\n"[..]).await.is_err());
        assert!(read_header(&mut &b"YUV4MPEG2 W4\n"[..]).await.is_err());
        assert!(read_header(&mut &[b'x'; 9999][..]).await.is_err());
        assert!(read_picture(&mut &[7_u8; 64][..], &mut frame).await.is_err());
        assert!(read_header(&mut &b""[..]).await.unwrap().is_none());
    }
}
