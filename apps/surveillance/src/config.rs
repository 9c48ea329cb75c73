use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Section `[surveillance]`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The ffmpeg program (5.1 or newer). Default: `ffmpeg` as found in `PATH`.
    pub ffmpeg: PathBuf,
    /// Folders that file cameras may read from. Default: none but `media` in the data folder, which always counts.
    pub file_roots: Vec<PathBuf>,
    /// Networks that camera addresses may lie in besides the public internet, as `address/bits`. Link-local networks
    /// are refused unless listed; addresses at which clouds tell their secrets are refused always. Default: loopback
    /// and the private networks.
    pub allow_networks: Vec<String>,
    /// Time zone of the cameras for zones with hours, as an IANA name (`Europe/Paris`). Default: the machine's.
    pub time_zone: String,
    /// Width of the analysed picture, in pixels; narrower sources are not enlarged. Default 640.
    pub analysis_width: u32,
    /// Longer side of the detector's input, in pixels, where the model can change it: smaller is faster and sees less
    /// far. Default 320.
    pub detector_side: u32,
    /// Cameras that think at a time; 0 means one per processor core. Default 0.
    pub analysis_slots: u32,
    /// A source that gives no picture for this long is ended and opened again, in milliseconds. Default 8000.
    pub stall_ms: u64,
    /// How long a source may take to its first picture, in milliseconds. Default 15000.
    pub connect_timeout_ms: u64,
    /// Longest wait between two attempts to open a source, in milliseconds; the first is after 250 ms at most.
    /// Default 30000.
    pub backoff_max_ms: u64,
    /// Length of the recorded pieces that clips are joined from, in milliseconds. Default 2000.
    pub segment_ms: u64,
    /// What a clip shows from before its event, in milliseconds, at least. Default 5000.
    pub pre_roll_ms: u64,
    /// What a clip shows from after its event, in milliseconds. Default 5000.
    pub post_roll_ms: u64,
    /// Longest clip, in milliseconds: an event that lasts longer keeps its first part. Default 300000.
    pub clip_max_ms: u64,
    /// People are told of anomalies of one camera, zone and kind once in this time, in seconds; 0: of each. The feed has all.
    /// Default 300.
    pub anomaly_notice_s: u64,
    /// People are told of a camera that gives no picture for this long, in seconds; 0 for never. Default 300.
    pub down_notice_s: u64,
    /// JPEG quality of live pictures, 1 to 100. Default 75.
    pub live_quality: u8,
    /// JPEG quality of snapshots, 1 to 100. Default 88.
    pub snapshot_quality: u8,
    /// How long a removed camera can be restored, in days; 0: until the next purge, which runs every night. Default 30.
    pub deleted_retention_days: u32,
    /// Largest model that is taken, in bytes. Default 209715200 (200 MiB).
    pub model_bytes_max: u64,
}

impl Default for Config {
    fn default() -> Self {
        let networks = [
            "127.0.0.0/8",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "::1/128",
            "fc00::/7",
        ];
        Self {
            ffmpeg: PathBuf::from("ffmpeg"),
            file_roots: Vec::new(),
            allow_networks: networks.map(str::to_owned).to_vec(),
            time_zone: String::new(),
            analysis_width: 640,
            detector_side: 320,
            analysis_slots: 0,
            stall_ms: 8_000,
            connect_timeout_ms: 15_000,
            backoff_max_ms: 30_000,
            segment_ms: 2_000,
            pre_roll_ms: 5_000,
            post_roll_ms: 5_000,
            clip_max_ms: 300_000,
            anomaly_notice_s: 300,
            down_notice_s: 300,
            live_quality: 75,
            snapshot_quality: 88,
            deleted_retention_days: 30,
            model_bytes_max: 200 << 20,
        }
    }
}

impl Config {
    /// Every fault at once.
    pub fn validate(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |fine: bool, fault: &str| {
            if !fine {
                faults.push(format!("surveillance.{fault}"));
            }
        };
        check((64..=4096).contains(&self.analysis_width), "analysis_width: must be from 64 to 4096 pixels");
        check((32..=2048).contains(&self.detector_side), "detector_side: must be from 32 to 2048 pixels");
        check(self.analysis_slots <= 1024, "analysis_slots: must be at most 1024");
        check(self.stall_ms >= 500, "stall_ms: must be at least 500");
        check(self.connect_timeout_ms >= 1_000, "connect_timeout_ms: must be at least 1000");
        check(self.backoff_max_ms >= 1_000, "backoff_max_ms: must be at least 1000");
        check((500..=60_000).contains(&self.segment_ms), "segment_ms: must be from 500 to 60000");
        check(self.pre_roll_ms <= 300_000, "pre_roll_ms: must be at most 300000");
        check(self.post_roll_ms <= 300_000, "post_roll_ms: must be at most 300000");
        check((5_000..=3_600_000).contains(&self.clip_max_ms), "clip_max_ms: must be from 5000 to 3600000");
        check(self.anomaly_notice_s <= 604_800, "anomaly_notice_s: must be at most 604800");
        check(self.down_notice_s <= 604_800, "down_notice_s: must be at most 604800");
        check((1..=100).contains(&self.live_quality), "live_quality: must be from 1 to 100");
        check((1..=100).contains(&self.snapshot_quality), "snapshot_quality: must be from 1 to 100");
        check(self.deleted_retention_days <= 3_650, "deleted_retention_days: must be at most 3650");
        check(self.model_bytes_max >= 1 << 10, "model_bytes_max: must be at least 1024");
        check(self.zone().is_ok(), "time_zone: is no IANA time zone such as Europe/Paris");
        for network in &self.allow_networks {
            check(
                crate::model::Network::parse(network).is_some(),
                &format!("allow_networks: {network:?} is no address/bits"),
            );
        }
        faults
    }

    /// The cameras' time zone.
    pub(crate) fn zone(&self) -> Result<jiff::tz::TimeZone, jiff::Error> {
        if self.time_zone.is_empty() {
            Ok(jiff::tz::TimeZone::system())
        } else {
            jiff::tz::TimeZone::get(&self.time_zone)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_all_at_once() {
        assert_eq!(Config::default().validate(), Vec::<String>::new());
        let bad = Config {
            time_zone: "Mars/Olympus".into(),
            allow_networks: vec!["10.0.0.0/40".into()],
            segment_ms: 1,
            ..Config::default()
        };
        assert_eq!(bad.validate().len(), 3);
    }
}
