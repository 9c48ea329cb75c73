//! `cameras.yaml`: cameras as a file that people keep, edit and carry to another installation.

use serde::{Deserialize, Serialize};

use super::{CameraDraft, Detection, Faults, Record, Source, SourceKind, Transport, Zone, ZoneDraft};
use crate::model::FPS_DEFAULT;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CamerasFile {
    pub(crate) cameras: Vec<CameraEntry>,
}

/// One camera. Cameras are told apart by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CameraEntry {
    pub(crate) name: String,
    /// `rtsp://…`, `http://…` or the path of a file. In an export its credentials are `***`: fill them in, or import
    /// over the camera that has them.
    pub(crate) url: String,
    #[serde(default = "fps")]
    pub(crate) fps: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) height: Option<u32>,
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    #[serde(default)]
    pub(crate) record: Record,
    #[serde(default)]
    pub(crate) transport: Transport,
    /// Files: begin again at the end.
    #[serde(default, rename = "loop")]
    pub(crate) repeat: bool,
    #[serde(default = "yes")]
    pub(crate) real_time: bool,
    #[serde(default)]
    pub(crate) detection: Detection,
    #[serde(default)]
    pub(crate) zones: Vec<ZoneDraft>,
}

fn fps() -> f64 {
    FPS_DEFAULT
}
fn yes() -> bool {
    true
}

/// More cameras than this are no camera file.
const CAMERAS_MAX: usize = 10_000;

impl CamerasFile {
    /// # Errors
    ///
    /// What is wrong, in words, with the line where the reader knows it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        serde_yaml_ng::from_str(text).map_err(|error| error.to_string())
    }

    pub(crate) fn to_yaml(&self) -> String {
        serde_yaml_ng::to_string(self).expect("plain data with text keys writes YAML")
    }

    /// All entries, checked; pointers begin with `/cameras/INDEX`.
    pub(crate) fn check(self, now: kernel::Timestamp) -> Result<Vec<(CameraDraft, Vec<Zone>)>, Faults> {
        let mut faults = Faults::default();
        faults.check(self.cameras.len() <= CAMERAS_MAX, "/cameras", "are too many");
        let mut checked: Vec<(CameraDraft, Vec<Zone>)> = Vec::new();
        for (index, entry) in self.cameras.into_iter().enumerate() {
            let mut found = Faults::default();
            match entry.check(now, &mut found) {
                Some(camera) if checked.iter().any(|(draft, _)| draft.name == camera.0.name) => {
                    found.check(false, "/name", "another camera of this file has the same name");
                }
                Some(camera) => checked.push(camera),
                None => {}
            }
            faults.under(&format!("/cameras/{index}"), found);
        }
        faults.done(checked)
    }
}

impl CameraEntry {
    /// A camera as it may be shown.
    pub(crate) fn of(draft: &CameraDraft, zones: &[Zone]) -> Self {
        Self {
            name: draft.name.clone(),
            url: draft.source.shown(),
            fps: draft.fps,
            width: draft.width,
            height: draft.height,
            enabled: draft.enabled,
            record: draft.record,
            transport: draft.source.transport,
            repeat: draft.source.repeat,
            real_time: draft.source.real_time,
            detection: draft.detection.clone(),
            zones: zones.iter().cloned().map(Zone::into_draft).collect(),
        }
    }

    fn check(self, now: kernel::Timestamp, faults: &mut Faults) -> Option<(CameraDraft, Vec<Zone>)> {
        let kind = match self.url.split_once("://").map_or("", |(scheme, _)| scheme) {
            "rtsp" | "rtsps" => SourceKind::Rtsp,
            "http" | "https" => SourceKind::Http,
            _ => SourceKind::File,
        };
        let zones = Zone::parse_all(self.zones, now).map_err(|found| faults.under("/zones", found)).ok();
        let source = Source::new(kind, &self.url, self.repeat, self.real_time, self.transport)
            .map_err(|found| faults.under("", found.0))
            .ok()?;
        let draft = CameraDraft {
            name: self.name,
            source,
            fps: self.fps,
            width: self.width,
            height: self.height,
            enabled: self.enabled,
            record: self.record,
            detection: self.detection,
        };
        let draft = draft.check().map_err(|found| faults.under("", found)).ok()?;
        Some((draft, zones?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
cameras:
  - name: Door
    url: rtsp://admin:secret@10.0.0.2/live
    zones:
      - name: Porch
        kind: intrusion
        points: [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]
  - name: Yard
    url: /srv/yard.mp4
    loop: true
";

    #[test]
    fn a_file_round_trips_without_its_secrets() {
        let now = kernel::Timestamp::UNIX_EPOCH;
        let cameras = CamerasFile::parse(FILE).unwrap().check(now).unwrap();
        assert_eq!(cameras.len(), 2);
        assert_eq!(cameras[1].0.source.kind, SourceKind::File);
        let file = CamerasFile {
            cameras: cameras.iter().map(|(draft, zones)| CameraEntry::of(draft, zones)).collect(),
        };
        let text = file.to_yaml();
        assert!(!text.contains("secret") && text.contains("rtsp://***:***@10.0.0.2/live"), "{text}");
        assert_eq!(CamerasFile::parse(&text).unwrap(), file);
    }

    #[test]
    fn faults_name_the_entry() {
        let text = FILE.replace("[0.5, 0.9]", "[0.5, 9]").replace("name: Yard", "name: Door");
        let faults = CamerasFile::parse(&text).unwrap().check(kernel::Timestamp::UNIX_EPOCH).unwrap_err();
        let pointers: Vec<_> = faults.0.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/cameras/0/zones/0/points"]);
        assert!(CamerasFile::parse("cameras: [{name: a, url: b, colour: red}]").is_err());
    }
}
