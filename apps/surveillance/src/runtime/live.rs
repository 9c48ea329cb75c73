//! Pictures for people.

use bytes::Bytes;
use kernel::Timestamp;
use tokio::sync::watch;
use vision::{Frame, Overlay, TrackedObject, ZoneConfig};

/// A JPEG and when it was taken.
#[derive(Debug, Clone)]
pub(crate) struct Jpeg {
    pub(crate) bytes: Bytes,
    pub(crate) at: Timestamp,
}

/// A picture that was looked at, with what was seen.
#[derive(Debug)]
pub(crate) struct Shot {
    pub(crate) frame: Frame,
    pub(crate) at: Timestamp,
    /// The camera's wall clock, for the picture.
    pub(crate) clock: String,
    pub(crate) objects: Vec<TrackedObject>,
    /// Zones, and whether an anomaly is going on in each.
    pub(crate) zones: Vec<(ZoneConfig, bool)>,
}

impl Shot {
    /// The picture, with boxes, zones and the clock drawn on a copy if wanted.
    pub(crate) fn encode(&self, overlay: bool, quality: u8) -> Result<Jpeg, vision::JpegError> {
        let bytes = if overlay {
            let mut frame = self.frame.clone();
            let mut draw = Overlay::new(&mut frame);
            for (zone, active) in &self.zones {
                draw.zone(zone, *active);
            }
            for object in &self.objects {
                draw.object(object);
            }
            draw.clock(&self.clock);
            vision::encode_jpeg(&frame, quality)?
        } else {
            vision::encode_jpeg(&self.frame, quality)?
        };
        Ok(Jpeg { bytes: bytes.into(), at: self.at })
    }
}

/// The two live pictures of a camera: plain and drawn on. Any number of viewers share one encoding of each.
#[derive(Debug)]
pub(crate) struct Live {
    plain: watch::Sender<Option<Jpeg>>,
    drawn: watch::Sender<Option<Jpeg>>,
}

/// Which of them somebody watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    plain: bool,
    drawn: bool,
}

impl Default for Live {
    fn default() -> Self {
        Self { plain: watch::channel(None).0, drawn: watch::channel(None).0 }
    }
}

impl Live {
    /// A viewer; a slow one skips pictures.
    pub(crate) fn watch(&self, overlay: bool) -> watch::Receiver<Option<Jpeg>> {
        if overlay { self.drawn.subscribe() } else { self.plain.subscribe() }
    }

    pub(crate) fn wanted(&self) -> Wanted {
        Wanted { plain: self.plain.receiver_count() > 0, drawn: self.drawn.receiver_count() > 0 }
    }

    pub(crate) fn send(&self, pictures: Pictures) {
        for (sender, picture) in [(&self.plain, pictures.plain), (&self.drawn, pictures.drawn)] {
            if let Some(picture) = picture {
                drop(sender.send(Some(picture)));
            }
        }
    }
}

/// What was encoded of one shot.
#[derive(Debug, Default)]
pub(crate) struct Pictures {
    plain: Option<Jpeg>,
    drawn: Option<Jpeg>,
}

impl Pictures {
    /// Encodes what is wanted; blocks for a few milliseconds.
    pub(crate) fn of(shot: &Shot, wanted: Wanted, quality: u8) -> Result<Self, vision::JpegError> {
        let encode = |wanted: bool, overlay| wanted.then(|| shot.encode(overlay, quality)).transpose();
        Ok(Self { plain: encode(wanted.plain, false)?, drawn: encode(wanted.drawn, true)? })
    }
}
