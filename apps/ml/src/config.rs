use serde::{Deserialize, Serialize};

/// Section `[ml]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// MLflow's paths take calls without credentials and do them in the installation's first workspace: for a laptop.
    /// Production mode refuses it. Default false.
    pub auth_disabled: bool,
    /// Largest artifact that is taken, in bytes. Default 10737418240 (10 GiB).
    pub artifact_bytes_max: u64,
    /// Largest body of one call to MLflow's paths, artifacts apart, in bytes. Default 33554432 (32 MiB): a dataset's
    /// profile alone may have 16 MiB.
    pub body_bytes_max: u64,
    /// How long deleted runs, logged models and experiments can be brought back, in days; then they go for good, with their
    /// artifacts. 0 keeps them. Default 30.
    pub deleted_keep_days: u32,
    /// Clients that ask for it download large artifacts from S3 itself, by addresses that work for an hour: only where
    /// clients can reach it. Without S3 it changes nothing. Default false.
    pub signed_downloads: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            auth_disabled: false,
            artifact_bytes_max: 10 << 30,
            body_bytes_max: 32 << 20,
            deleted_keep_days: 30,
            signed_downloads: false,
        }
    }
}

impl Config {
    /// Every fault at once.
    pub fn validate(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.artifact_bytes_max < 1 << 10 {
            faults.push("ml.artifact_bytes_max: must be at least 1024".to_owned());
        }
        if !(1 << 20..=1 << 30).contains(&self.body_bytes_max) {
            faults.push("ml.body_bytes_max: must be from 1048576 to 1073741824".to_owned());
        }
        faults
    }
}
