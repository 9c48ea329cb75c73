//! What people may be allowed to do with cameras.

use kernel::{Permission, PermissionInfo, permission};

permission!(ReadCameras = "surveillance.cameras.read", "See cameras, their pictures and their health");
permission!(WriteCameras = "surveillance.cameras.write", "Add, change, test and remove cameras and zones");
permission!(ReadEvents = "surveillance.events.read", "See events, snapshots, clips and statistics");
permission!(AcknowledgeEvents = "surveillance.events.acknowledge", "Acknowledge events");
permission!(WriteModels = "surveillance.models.write", "Add, choose and remove detection models");

pub(crate) const ALL: &[PermissionInfo] =
    &[ReadCameras::INFO, WriteCameras::INFO, ReadEvents::INFO, AcknowledgeEvents::INFO, WriteModels::INFO];
