use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CameraId, Faults, Source, Zone};

/// What is kept on disk of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Record {
    Off,
    /// A clip of each event.
    #[default]
    Events,
}

impl Record {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Events => "events",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Off, Self::Events].into_iter().find(|record| record.name() == text)
    }
}

/// `detection.model`: the workspace's active model, or motion where there is none.
pub(crate) const MODEL_AUTO: &str = "auto";
/// `detection.model`: motion objects, whatever models there are.
pub(crate) const MODEL_NONE: &str = "none";

/// How a camera's pictures are looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Detection {
    /// Score from which something begins to be followed, 0..1. Default 0.5.
    pub(crate) min_score: f64,
    /// The detector runs on every n-th picture on which something moves. Default 1.
    pub(crate) every_n: u32,
    /// Classes that are followed; empty: all that the model knows. Default `["person"]`.
    pub(crate) classes: Vec<String>,
    /// `auto`, `none`, or the SHA-256 of one of the workspace's models. Default `auto`.
    pub(crate) model: String,
}

impl Default for Detection {
    fn default() -> Self {
        Self { min_score: 0.5, every_n: 1, classes: vec!["person".to_owned()], model: MODEL_AUTO.to_owned() }
    }
}

impl Detection {
    fn check(&self, faults: &mut Faults) {
        faults.check((0.0..=1.0).contains(&self.min_score), "/detection/min_score", "must be from 0 to 1");
        faults.check((1..=100).contains(&self.every_n), "/detection/every_n", "must be from 1 to 100");
        let fine =
            self.classes.len() <= 100 && self.classes.iter().all(|class| (1..=60).contains(&class.len()));
        faults.check(fine, "/detection/classes", "must be at most 100 names of 1 to 60 characters");
        let sha = self.model.len() == 64 && self.model.bytes().all(|byte| byte.is_ascii_hexdigit());
        let fine = sha || [MODEL_AUTO, MODEL_NONE].contains(&self.model.as_str());
        faults.check(fine, "/detection/model", "must be auto, none, or the sha256 of a model");
    }
}

/// What people say of a camera.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CameraDraft {
    pub(crate) name: String,
    pub(crate) source: Source,
    /// Pictures a second that are looked at.
    pub(crate) fps: f64,
    /// Of the analysed picture, in pixels; `None`: by `surveillance.analysis_width`.
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) enabled: bool,
    pub(crate) record: Record,
    pub(crate) detection: Detection,
}

pub(crate) const FPS_DEFAULT: f64 = 5.0;

impl CameraDraft {
    pub(crate) fn check(mut self) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        self.name = self.name.trim().to_owned();
        faults.check((1..=100).contains(&self.name.chars().count()), "/name", "must be 1 to 100 characters");
        faults.check(!self.name.chars().any(char::is_control), "/name", "must not hold control characters");
        faults.check((0.1..=60.0).contains(&self.fps), "/fps", "must be from 0.1 to 60 pictures a second");
        for (pointer, side) in [("/width", self.width), ("/height", self.height)] {
            faults.check(
                side.is_none_or(|side| (64..=4096).contains(&side)),
                pointer,
                "must be from 64 to 4096 pixels",
            );
        }
        self.detection.check(&mut faults);
        faults.done(self)
    }

    /// The camera after a change.
    pub(crate) fn patched(self, patch: CameraPatch) -> Self {
        Self {
            name: patch.name.unwrap_or(self.name),
            source: match patch.source {
                Some(source) => source.with_credentials_of(&self.source),
                None => self.source,
            },
            fps: patch.fps.unwrap_or(self.fps),
            width: patch.width.unwrap_or(self.width),
            height: patch.height.unwrap_or(self.height),
            enabled: patch.enabled.unwrap_or(self.enabled),
            record: patch.record.unwrap_or(self.record),
            detection: patch.detection.unwrap_or(self.detection),
        }
    }
}

/// What is to change; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct CameraPatch {
    pub(crate) name: Option<String>,
    pub(crate) source: Option<Source>,
    pub(crate) fps: Option<f64>,
    pub(crate) width: Option<Option<u32>>,
    pub(crate) height: Option<Option<u32>>,
    pub(crate) enabled: Option<bool>,
    pub(crate) record: Option<Record>,
    pub(crate) detection: Option<Detection>,
}

/// A camera of a workspace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Camera {
    pub(crate) id: CameraId,
    pub(crate) workspace: kernel::WorkspaceId,
    pub(crate) draft: CameraDraft,
    pub(crate) zones: Vec<Zone>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// When it was put aside; `None` while it is there.
    pub(crate) deleted_at: Option<Timestamp>,
}

impl Camera {
    pub(crate) fn name(&self) -> &str {
        &self.draft.name
    }

    /// Whether going from `self` to `new` needs the source opened again; all else is taken over while it runs.
    pub(crate) fn needs_restart(&self, new: &Camera) -> bool {
        let (a, b) = (&self.draft, &new.draft);
        a.source != b.source
            || a.fps != b.fps
            || a.width != b.width
            || a.height != b.height
            || a.record != b.record
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SourceKind, Transport};

    pub(crate) fn draft() -> CameraDraft {
        CameraDraft {
            name: "Door".into(),
            source: Source::new(SourceKind::File, "/srv/door.mp4", true, true, Transport::Tcp).unwrap(),
            fps: 5.0,
            width: None,
            height: None,
            enabled: true,
            record: Record::Events,
            detection: Detection::default(),
        }
    }

    #[test]
    fn faults_are_found_at_their_place() {
        let check = |change: &dyn Fn(&mut CameraDraft), pointer: &str| {
            let mut changed = draft();
            change(&mut changed);
            let faults = changed.check().err().map_or(vec![], |faults| faults.0);
            assert_eq!(faults.iter().map(|f| f.pointer.as_str()).collect::<Vec<_>>(), [pointer]);
        };
        check(&|draft| draft.name = "  ".into(), "/name");
        check(&|draft| draft.fps = f64::NAN, "/fps");
        check(&|draft| draft.width = Some(5), "/width");
        check(&|draft| draft.detection.every_n = 0, "/detection/every_n");
        check(&|draft| draft.detection.model = "best".into(), "/detection/model");
        assert!(draft().check().is_ok());
    }

    #[test]
    fn only_what_ffmpeg_must_know_opens_the_source_again() {
        let camera = Camera {
            id: CameraId::new(Timestamp::UNIX_EPOCH),
            workspace: kernel::WorkspaceId::new(Timestamp::UNIX_EPOCH),
            draft: draft(),
            zones: vec![],
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            deleted_at: None,
        };
        let mut renamed = camera.clone();
        renamed.draft.name = "Gate".into();
        renamed.draft.detection.every_n = 3;
        assert!(!camera.needs_restart(&renamed));
        renamed.draft.fps = 7.0;
        assert!(camera.needs_restart(&renamed));
    }
}
