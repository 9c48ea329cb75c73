use db::OnConstraint as _;
use kernel::Allow;

use super::{Sentinel, cameras::complete};
use crate::{
    error::Error,
    model::{Camera, CameraEntry, CameraId, CamerasFile, Zone},
    permissions::{ReadCameras, WriteCameras},
    quotas::CAMERAS,
    store,
};

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Imported {
    pub(crate) created: u64,
    pub(crate) updated: u64,
    pub(crate) unchanged: u64,
}

impl Sentinel {
    pub(crate) async fn export_cameras(&self, allow: &Allow<ReadCameras>) -> Result<String, Error> {
        let mut tx = self.db.read().await?;
        let cameras = store::cameras::list(&mut tx, allow.workspace, i64::MAX, 0).await?;
        let entries = cameras.iter().map(|camera| CameraEntry::of(&camera.draft, &camera.zones)).collect();
        Ok(CamerasFile { cameras: entries }.to_yaml())
    }

    /// All or nothing. Cameras are matched by name; those that the file does not name stay as they are.
    pub(crate) async fn import_cameras(
        &self,
        allow: &Allow<WriteCameras>,
        text: &str,
    ) -> Result<Imported, Error> {
        let wanted = CamerasFile::parse(text).map_err(Error::CamerasFile)?.check(allow.now)?;
        let mut done = Imported::default();
        let mut tx = self.db.begin().await?;
        let present = store::cameras::list(&mut tx, allow.workspace, i64::MAX, 0).await?;
        for (mut draft, zones) in wanted {
            match present.iter().find(|camera| camera.name() == draft.name) {
                Some(old) => {
                    draft.source = draft.source.with_credentials_of(&old.draft.source);
                    complete(&draft.source)?;
                    let zones = keep_ids(zones, &old.zones);
                    if draft == old.draft && zones == old.zones {
                        done.unchanged += 1;
                        continue;
                    }
                    let new = Camera { draft, zones, updated_at: allow.now, ..old.clone() };
                    self.save(&mut tx, old, &new).await?;
                    done.updated += 1;
                }
                None => {
                    complete(&draft.source)?;
                    let camera = Camera {
                        id: CameraId::new(allow.now),
                        workspace: allow.workspace,
                        draft,
                        zones,
                        created_at: allow.now,
                        updated_at: allow.now,
                        deleted_at: None,
                    };
                    self.quotas.check(&mut tx, allow, CAMERAS, 1).await?;
                    store::cameras::insert(&mut tx, &camera)
                        .await
                        .on_constraint("surveillance_cameras_workspace_id_name_key", || Error::NameTaken)?;
                    done.created += 1;
                }
            }
        }
        tx.commit().await?;
        self.forget_stats(allow.workspace).await;
        self.fleet.wake();
        Ok(done)
    }
}

/// A zone without an id that is otherwise one that is there is that one.
fn keep_ids(zones: Vec<Zone>, present: &[Zone]) -> Vec<Zone> {
    let same =
        |zone: &Zone| present.iter().find(|old| old.id != zone.id && old.body == zone.body).map(|old| old.id);
    let taken: Vec<_> = zones.iter().map(|zone| zone.id).collect();
    zones
        .into_iter()
        .map(|zone| match same(&zone).filter(|id| !taken.contains(id)) {
            Some(id) if !present.iter().any(|old| old.id == zone.id) => Zone { id, ..zone },
            _ => zone,
        })
        .collect()
}
