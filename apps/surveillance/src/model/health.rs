use kernel::Timestamp;
use serde::{Deserialize, Serialize};

/// What a camera does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CameraState {
    /// Switched off, or watched by no process.
    #[default]
    Stopped,
    /// Opened, no picture yet.
    Starting,
    Online,
    /// Pictures ceased; it is about to be opened again.
    Stalled,
    /// Waits before it is opened again.
    Reconnecting,
    /// Cannot work until somebody changes something.
    Failed,
    /// A file that was to be played once has been.
    Finished,
}

impl CameraState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Online => "online",
            Self::Stalled => "stalled",
            Self::Reconnecting => "reconnecting",
            Self::Failed => "failed",
            Self::Finished => "finished",
        }
    }

    pub(crate) const ALL: [Self; 7] = [
        Self::Stopped,
        Self::Starting,
        Self::Online,
        Self::Stalled,
        Self::Reconnecting,
        Self::Failed,
        Self::Finished,
    ];
}

/// How a camera is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Health {
    pub(crate) state: CameraState,
    /// For people; never holds credentials.
    pub(crate) message: Option<String>,
    /// Pictures a second from the source, after thinning to the analysis rate.
    pub(crate) fps_in: f64,
    pub(crate) fps_analysed: f64,
    pub(crate) last_frame_at: Option<Timestamp>,
    pub(crate) bitrate_bps: u64,
    /// Times that the source was opened again.
    pub(crate) restarts: u64,
    /// Of the source.
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    /// `motion`, or the model's name.
    pub(crate) detector: String,
    /// When `state` began.
    pub(crate) since: Timestamp,
}

impl Health {
    pub(crate) fn stopped(now: Timestamp) -> Self {
        Self {
            state: CameraState::Stopped,
            message: None,
            fps_in: 0.0,
            fps_analysed: 0.0,
            last_frame_at: None,
            bitrate_bps: 0,
            restarts: 0,
            width: None,
            height: None,
            detector: "motion".to_owned(),
            since: now,
        }
    }

    /// Enters a state; `since` moves only when it is another one. Returns whether people should hear of it.
    pub(crate) fn enter(&mut self, state: CameraState, message: Option<String>, now: Timestamp) -> bool {
        let news = self.state != state || self.message != message;
        if self.state != state {
            self.since = now;
        }
        self.state = state;
        self.message = message;
        news
    }
}
