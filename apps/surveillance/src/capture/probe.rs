//! The test of a source: one picture, within a time.

use std::{collections::VecDeque, sync::Mutex, time::Duration};

use tokio::{io::AsyncReadExt as _, sync::mpsc};

use super::{
    Fault, Ffmpeg, Gate, StreamInfo, command, messages,
    session::{read_words, start_fault},
};
use crate::model::Source;

/// A source that works.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) info: StreamInfo,
    /// JPEG.
    pub(crate) picture: Vec<u8>,
}

/// Larger answers are no picture.
const PICTURE_MAX: u64 = 8 << 20;

/// Opens the source, takes one picture, and closes it again.
pub(crate) async fn probe(
    ffmpeg: &Ffmpeg,
    gate: &Gate,
    source: &Source,
    limit: Duration,
) -> Result<Probe, Fault> {
    let in_time = async {
        let admitted = gate.admit(source).await?;
        let told = command::one_picture(source, &admitted);
        let mut running = ffmpeg.start(&told).await.map_err(|error| start_fault(&error))?;
        let (stdout, stderr) = running.split();
        let (times, _unused) = mpsc::unbounded_channel();
        let mut tail = VecDeque::new();
        let info = Mutex::new(None);
        let mut picture = Vec::new();
        let words = read_words(stderr, &times, &mut tail, |found| {
            if let Ok(mut info) = info.lock() {
                *info = Some(found);
            }
        });
        let mut limited = stdout.take(PICTURE_MAX);
        let ((), read) = tokio::join!(words, limited.read_to_end(&mut picture));
        let info = info.into_inner().ok().flatten();
        running.stop(Duration::from_millis(200)).await;
        match info {
            Some(info) if read.is_ok() && !picture.is_empty() => Ok(Probe { info, picture }),
            found => Err(messages::explain(tail.iter().map(String::as_str)).unwrap_or_else(|| match found {
                Some(info) => Fault::fatal(
                    format!("the video's codec ({}) gives no picture", info.codec),
                    "set the camera to H.264",
                ),
                None => Fault::retry("no picture came", "check that the address is that of a video"),
            })),
        }
    };
    tokio::time::timeout(limit, in_time).await.unwrap_or_else(|_| {
        Err(Fault::retry(
            format!("no picture came within {} seconds", limit.as_secs()),
            "check the address and the network; some cameras take long after a restart",
        ))
    })
}
