use std::time::Duration;

use db::OnConstraint as _;
use kernel::{Allow, FieldError, Timestamp};
use web::{Page, PageQuery};

use super::Sentinel;
use crate::{
    capture::{Fault, Probe, probe},
    error::Error,
    model::{Camera, CameraDraft, CameraId, CameraPatch, Health, Source, Zone, ZoneDraft},
    permissions::{ReadCameras, WriteCameras},
    quotas::CAMERAS,
    store,
};

/// What the test of a source found.
pub(crate) enum Tested {
    Works(Box<Probe>),
    Fails(Fault),
}

const TEST_LIMIT: Duration = Duration::from_secs(8);

impl Sentinel {
    pub(crate) async fn list_cameras(
        &self,
        allow: &Allow<ReadCameras>,
        page: PageQuery,
        deleted: bool,
    ) -> Result<Page<(Camera, Health)>, Error> {
        let (limit, offset) = (page.limit(), page.offset());
        let mut tx = self.db.read().await?;
        let (cameras, total) = if deleted {
            let cameras = store::cameras::list_deleted(&mut tx, allow.workspace, limit, offset).await?;
            (cameras, store::cameras::count_deleted(&mut tx, allow.workspace).await?)
        } else {
            let cameras = store::cameras::list(&mut tx, allow.workspace, limit, offset).await?;
            (cameras, store::cameras::count(&mut tx, allow.workspace).await?)
        };
        drop(tx);
        Ok(page.of(cameras, total).map(|camera| self.with_health(camera)))
    }

    pub(crate) async fn get_camera(
        &self,
        allow: &Allow<ReadCameras>,
        id: CameraId,
    ) -> Result<(Camera, Health), Error> {
        let mut tx = self.db.read().await?;
        let camera =
            store::cameras::find(&mut tx, allow.workspace, id).await?.ok_or(Error::CameraNotFound(id))?;
        Ok(self.with_health(camera))
    }

    /// The camera and how it is in this process.
    pub(crate) fn with_health(&self, camera: Camera) -> (Camera, Health) {
        let health = self.fleet.health(camera.id).unwrap_or_else(|| Health::stopped(camera.updated_at));
        (camera, health)
    }

    pub(crate) async fn create_camera(
        &self,
        allow: &Allow<WriteCameras>,
        draft: CameraDraft,
        zones: Vec<ZoneDraft>,
    ) -> Result<(Camera, Health), Error> {
        let draft = draft.check()?;
        complete(&draft.source)?;
        let zones = Zone::parse_all(zones, allow.now).map_err(|faults| under(faults, "/zones"))?;
        let camera = Camera {
            id: CameraId::new(allow.now),
            workspace: allow.workspace,
            draft,
            zones,
            created_at: allow.now,
            updated_at: allow.now,
            deleted_at: None,
        };
        let mut tx = self.db.begin().await?;
        self.quotas.check(&mut tx, allow, CAMERAS, 1).await?;
        store::cameras::insert(&mut tx, &camera)
            .await
            .on_constraint("surveillance_cameras_workspace_id_name_key", || Error::NameTaken)?;
        tx.commit().await?;
        self.forget_stats(allow.workspace).await;
        tracing::info!(camera.id = %camera.id, source = %camera.draft.source.shown(), "camera added");
        self.fleet.wake();
        Ok(self.with_health(camera))
    }

    pub(crate) async fn update_camera(
        &self,
        allow: &Allow<WriteCameras>,
        id: CameraId,
        patch: CameraPatch,
    ) -> Result<(Camera, Health), Error> {
        let mut tx = self.db.begin().await?;
        let old =
            store::cameras::find(&mut tx, allow.workspace, id).await?.ok_or(Error::CameraNotFound(id))?;
        let draft = old.draft.clone().patched(patch).check()?;
        complete(&draft.source)?;
        let camera = Camera { draft, updated_at: allow.now, ..old.clone() };
        self.save(&mut tx, &old, &camera).await?;
        tx.commit().await?;
        self.forget_stats(allow.workspace).await;
        self.fleet.wake();
        Ok(self.with_health(camera))
    }

    pub(crate) async fn set_zones(
        &self,
        allow: &Allow<WriteCameras>,
        id: CameraId,
        zones: Vec<ZoneDraft>,
    ) -> Result<(Camera, Health), Error> {
        let zones = Zone::parse_all(zones, allow.now)?;
        let mut tx = self.db.begin().await?;
        let old =
            store::cameras::find(&mut tx, allow.workspace, id).await?.ok_or(Error::CameraNotFound(id))?;
        let camera = Camera { zones, updated_at: allow.now, ..old.clone() };
        self.save(&mut tx, &old, &camera).await?;
        tx.commit().await?;
        self.fleet.wake();
        Ok(self.with_health(camera))
    }

    /// Writes a changed camera; the names of its events go with it.
    pub(super) async fn save(&self, tx: &mut db::Tx, old: &Camera, new: &Camera) -> Result<(), Error> {
        store::cameras::update(tx, new)
            .await
            .on_constraint("surveillance_cameras_workspace_id_name_key", || Error::NameTaken)?;
        if old.name() != new.name() {
            store::series::rename_camera(tx, new.workspace, new.id, new.name()).await?;
        }
        for zone in &new.zones {
            if old.zones.iter().any(|before| before.id == zone.id && before.body.name != zone.body.name) {
                store::series::rename_zone(tx, new.workspace, new.id, zone.id, &zone.body.name).await?;
            }
        }
        Ok(())
    }

    /// The camera is put aside, its events stay.
    pub(crate) async fn delete_camera(&self, allow: &Allow<WriteCameras>, id: CameraId) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        if !store::cameras::TRASH.put_aside(&mut tx, allow.workspace, id, allow.now).await? {
            return Err(Error::CameraNotFound(id));
        }
        tx.commit().await?;
        self.forget_stats(allow.workspace).await;
        self.fleet.remove(id);
        Ok(())
    }

    /// A removed camera comes back as it was, and starts if it was enabled.
    pub(crate) async fn restore_camera(
        &self,
        allow: &Allow<WriteCameras>,
        id: CameraId,
    ) -> Result<(Camera, Health), Error> {
        let mut tx = self.db.begin().await?;
        let restored = store::cameras::TRASH
            .restore(&mut tx, allow.workspace, id, allow.now)
            .await
            .on_constraint("surveillance_cameras_workspace_id_name_key", || Error::NameTaken)?;
        if !restored {
            return Err(Error::CameraNotFound(id));
        }
        // It is counted by now.
        self.quotas.check(&mut tx, allow, CAMERAS, 0).await?;
        let camera =
            store::cameras::find(&mut tx, allow.workspace, id).await?.ok_or(Error::CameraNotFound(id))?;
        tx.commit().await?;
        tracing::info!(camera.id = %id, "camera restored");
        self.fleet.wake();
        Ok(self.with_health(camera))
    }

    /// Cameras that were removed longer ago than they are kept go for good, of all workspaces. Gives how many.
    pub(crate) async fn purge_cameras(&self, now: Timestamp) -> Result<u64, Error> {
        const AT_ONCE: u32 = 100;
        let days = u64::from(self.config.deleted_retention_days);
        let before = super::earlier(now, Duration::from_secs(days * 86_400));
        let mut purged = 0;
        loop {
            let mut tx = self.db.begin().await?;
            let gone: Vec<CameraId> = store::cameras::TRASH.purge(&mut tx, before, AT_ONCE).await?;
            tx.commit().await?;
            purged += gone.len() as u64;
            if gone.len() < AT_ONCE as usize {
                return Ok(purged);
            }
        }
    }

    /// Closes the source and opens it again.
    pub(crate) async fn restart_camera(
        &self,
        allow: &Allow<WriteCameras>,
        id: CameraId,
    ) -> Result<(), Error> {
        let mut tx = self.db.read().await?;
        store::cameras::find(&mut tx, allow.workspace, id).await?.ok_or(Error::CameraNotFound(id))?;
        drop(tx);
        self.fleet.restart(id);
        Ok(())
    }

    /// Tries a source without keeping anything. Hidden credentials are those of the workspace's camera with this address.
    pub(crate) async fn test_source(
        &self,
        allow: &Allow<WriteCameras>,
        source: Source,
    ) -> Result<Tested, Error> {
        let mut source = source;
        if source.is_redacted() {
            let mut tx = self.db.read().await?;
            for camera in store::cameras::list(&mut tx, allow.workspace, i64::MAX, 0).await? {
                source = source.with_credentials_of(&camera.draft.source);
            }
        }
        Ok(match probe(&self.ffmpeg, &self.gate, &source, TEST_LIMIT).await {
            Ok(probe) => Tested::Works(Box::new(probe)),
            Err(fault) => Tested::Fails(Fault {
                message: source.redact(&fault.message),
                hint: source.redact(&fault.hint),
                ..fault
            }),
        })
    }
}

/// Refuses an address whose credentials are placeholders that nobody filled in.
pub(super) fn complete(source: &Source) -> Result<(), Error> {
    if source.is_redacted() {
        let detail = "holds *** in place of user name and password: write them out";
        return Err(Error::Invalid(vec![FieldError::new("/source/url", detail)]));
    }
    Ok(())
}

pub(super) fn under(faults: crate::model::Faults, prefix: &str) -> Error {
    let mut all = crate::model::Faults::default();
    all.under(prefix, faults);
    all.into()
}
