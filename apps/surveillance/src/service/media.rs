use bytes::Bytes;
use kernel::{Allow, Timestamp};
use tokio::sync::watch;

use super::Sentinel;
use crate::{
    error::Error,
    model::{CameraId, ClipState, Event, EventId},
    permissions::{ReadCameras, ReadEvents},
    runtime::Jpeg,
    store,
};

/// A camera's live pictures; the channel ends with the camera.
pub(crate) struct Watching {
    pub(crate) pictures: watch::Receiver<Option<Jpeg>>,
    /// What it shows now, so that a viewer sees something at once.
    pub(crate) first: Option<Jpeg>,
}

/// A clip in the file store.
pub(crate) struct Clip {
    pub(crate) key: String,
    pub(crate) size_bytes: u64,
    pub(crate) etag: String,
    pub(crate) started_at: Timestamp,
}

impl Sentinel {
    /// The camera's present picture as JPEG, with boxes and zones if wanted.
    pub(crate) async fn camera_snapshot(
        &self,
        allow: &Allow<ReadCameras>,
        id: CameraId,
        overlay: bool,
    ) -> Result<Jpeg, Error> {
        self.get_camera(allow, id).await?;
        let shot = self.fleet.latest(id).ok_or(Error::NoPicture(id))?;
        self.picture(shot, overlay).await
    }

    async fn picture(
        &self,
        shot: std::sync::Arc<crate::runtime::Shot>,
        overlay: bool,
    ) -> Result<Jpeg, Error> {
        let (quality, _) = self.qualities();
        let encoded = tokio::task::spawn_blocking(move || shot.encode(overlay, quality)).await;
        encoded.map_err(|error| Error::Picture(error.into()))?.map_err(|error| Error::Picture(error.into()))
    }

    /// Joins a camera's viewers. Pictures are encoded once for all of them, and only while somebody watches.
    pub(crate) async fn watch_camera(
        &self,
        allow: &Allow<ReadCameras>,
        id: CameraId,
        overlay: bool,
    ) -> Result<Watching, Error> {
        self.get_camera(allow, id).await?;
        let pictures = self.fleet.watch(id, overlay).ok_or(Error::NoPicture(id))?;
        let first = match self.fleet.latest(id) {
            Some(shot) => Some(self.picture(shot, overlay).await?),
            None => None,
        };
        Ok(Watching { pictures, first })
    }

    /// The event's best moment: the JPEG and when it was taken.
    pub(crate) async fn event_snapshot(
        &self,
        allow: &Allow<ReadEvents>,
        id: EventId,
        boxed: bool,
    ) -> Result<(Bytes, Timestamp), Error> {
        let event = self.get_event(allow, id).await?;
        let at = event.snapshot_at.ok_or(Error::NoMedia("snapshot yet"))?;
        Ok((self.storage.get_bytes(&event.snapshot_key(boxed)).await?, at))
    }

    pub(crate) async fn event_clip(&self, allow: &Allow<ReadEvents>, id: EventId) -> Result<Clip, Error> {
        let event = self.get_event(allow, id).await?;
        if event.clip_state != ClipState::Ready {
            return Err(Error::NoMedia(match event.clip_state {
                ClipState::Recording => "clip yet: it is being recorded",
                ClipState::Failed => "clip: it could not be made",
                _ => "clip: its camera does not record",
            }));
        }
        let info = self.storage.info(&event.clip_key()).await?;
        let etag = format!("\"{}-{:x}\"", event.id, info.size_bytes);
        Ok(Clip { key: event.clip_key(), size_bytes: info.size_bytes, etag, started_at: event.started_at })
    }

    /// Events whose clips still need pieces of the rings: camera and span.
    pub(crate) async fn wanted_spans(&self) -> Result<Vec<(CameraId, i64, i64)>, Error> {
        let mut tx = self.db.read().await?;
        let waiting: Vec<Event> = store::events::list_recording(&mut tx, None).await?;
        Ok(waiting
            .iter()
            .map(|event| {
                let (from, to) = self.clip_span(event);
                let open = event.ended_at.is_none();
                let most = from.saturating_add(
                    i64::try_from(self.config.clip_max_ms).unwrap_or(i64::MAX).saturating_mul(1000),
                );
                (event.series.camera, from, if open { most } else { to })
            })
            .collect())
    }
}
