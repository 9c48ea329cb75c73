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
    /// Metrics, params and tags that one page of runs holds at most: where the next runs would bring more, it ends early, with
    /// the token of the next page. However much runs logged, a search then does not fill the memory. Default 1000000.
    pub page_cells_max: u32,
    /// Clients that ask for it download large artifacts from S3 itself, by addresses that work for an hour: only where
    /// clients can reach it. Without S3 it changes nothing. Default false.
    pub signed_downloads: bool,
    /// How much memory models may take that are kept ready for predictions, as people write sizes: `512MB`, `4GB`. Those that
    /// were asked longest ago go first; a larger model is not served. Default `512MB`.
    pub serving_memory_max: String,
    /// Largest body of a call for predictions, in bytes. Default 8388608 (8 MiB).
    pub serving_body_bytes_max: u64,
    /// Most rows that one call may ask predictions for. Default 10000.
    pub serving_rows_max: u32,
    /// How many models compute at once, each on one thread; further calls wait for their turn. 0 is one for each processor.
    /// Default 0.
    pub serving_at_once: u32,
    /// How long a call for predictions may take, its wait for a turn included, in seconds. Below `http.timeout_s`, so that who
    /// waits is told why. Default 20.
    pub serving_timeout_s: u32,
    /// Webhooks of MLflow's clients may begin with `http://`. Default false.
    pub webhook_plain_http: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            auth_disabled: false,
            artifact_bytes_max: 10 << 30,
            body_bytes_max: 32 << 20,
            deleted_keep_days: 30,
            page_cells_max: 1_000_000,
            signed_downloads: false,
            serving_memory_max: "512MB".to_owned(),
            serving_body_bytes_max: 8 << 20,
            serving_rows_max: 10_000,
            serving_at_once: 0,
            serving_timeout_s: 20,
            webhook_plain_http: false,
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
        if self.serving_memory().is_none_or(|bytes| bytes < 1_000_000) {
            faults.push(
                "ml.serving_memory_max: must be a size of 1MB or more, such as 512MB or 4GB".to_owned(),
            );
        }
        if !(1 << 10..=1 << 30).contains(&self.serving_body_bytes_max) {
            faults.push("ml.serving_body_bytes_max: must be from 1024 to 1073741824".to_owned());
        }
        if !(1..=1_000_000).contains(&self.serving_rows_max) {
            faults.push("ml.serving_rows_max: must be from 1 to 1000000".to_owned());
        }
        if self.serving_at_once > 1_024 {
            faults.push("ml.serving_at_once: must be from 0 to 1024".to_owned());
        }
        if !(1..=600).contains(&self.serving_timeout_s) {
            faults.push("ml.serving_timeout_s: must be from 1 to 600".to_owned());
        }
        if !(1_000..=100_000_000).contains(&self.page_cells_max) {
            faults.push("ml.page_cells_max: must be from 1000 to 100000000".to_owned());
        }
        faults
    }

    /// [`serving_memory_max`](Self::serving_memory_max) in bytes.
    pub(crate) fn serving_memory(&self) -> Option<u64> {
        platform::parse_amount(&self.serving_memory_max).and_then(|bytes| u64::try_from(bytes).ok())
    }
}
