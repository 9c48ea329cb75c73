use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

/// Section `[jobs]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Queues that this process works, and how many tasks of each it runs at a time; `outgoing` is for mails and webhooks,
    /// which wait for other servers. Default `default = 8, outgoing = 4`.
    pub queues: BTreeMap<String, u32>,
    /// Tasks of one workspace that run at a time over all processes; 0 for no limit. With a limit, PostgreSQL workers
    /// take turns at claiming. Default 0.
    pub workspace_running_max: u32,
    /// How often an idle worker looks for due tasks, in milliseconds. Default 200.
    pub poll_ms: u64,
    /// How often a worker says that it lives, in milliseconds. Default 2000.
    pub heartbeat_ms: u64,
    /// Largest arguments of a task, as JSON, in bytes: they should be ids rather than data. Default 262144.
    pub args_bytes_max: usize,
    /// A worker that was silent for this long is dead: its tasks run elsewhere. In milliseconds, at least twice
    /// `heartbeat_ms`. Default 6000.
    pub lease_ms: u64,
    /// A task whose workers died this often fails, since it may be what kills them. Default 10.
    pub losses_max: u32,
    /// Wait before the second attempt, doubled for each one after, in milliseconds. Default 1000.
    pub backoff_min_ms: u64,
    /// Longest wait between two attempts, in milliseconds. Default 600000.
    pub backoff_max_ms: u64,
    /// How long a task may take to stop once it is told to, before it is dropped, in milliseconds. Default 5000.
    pub cancel_grace_ms: u64,
    /// How long a stopping worker lets its tasks run on, in milliseconds. Default 6000.
    pub shutdown_grace_ms: u64,
    /// How long succeeded and cancelled tasks and their results are kept, in hours. Default 168 (a week).
    pub keep_h: u64,
    /// How long failed tasks are kept, in hours. Default 720 (30 days).
    pub keep_failed_h: u64,
    /// How long the history of schedules is kept, in hours. Default 2160 (90 days).
    pub keep_runs_h: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            queues: BTreeMap::from([("default".to_owned(), 8), ("outgoing".to_owned(), 4)]),
            workspace_running_max: 0,
            poll_ms: 200,
            heartbeat_ms: 2_000,
            args_bytes_max: 256 * 1024,
            lease_ms: 6_000,
            losses_max: 10,
            backoff_min_ms: 1_000,
            backoff_max_ms: 600_000,
            cancel_grace_ms: 5_000,
            shutdown_grace_ms: 6_000,
            keep_h: 168,
            keep_failed_h: 720,
            keep_runs_h: 2_160,
        }
    }
}

impl Config {
    /// Every fault at once.
    pub fn validate(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (queue, slots) in &self.queues {
            if queue.is_empty() || queue.len() > 64 || !(1..=1024).contains(slots) {
                faults.push(format!(
                    "jobs.queues.{queue}: a name of 1 to 64 characters with 1 to 1024 slots is needed"
                ));
            }
        }
        let mut check = |fine: bool, fault: &str| {
            if !fine {
                faults.push(fault.to_owned());
            }
        };
        check(self.poll_ms >= 1, "jobs.poll_ms: must be at least 1");
        check(self.heartbeat_ms >= 1, "jobs.heartbeat_ms: must be at least 1");
        check(
            self.lease_ms >= 2 * self.heartbeat_ms,
            "jobs.lease_ms: must be at least twice jobs.heartbeat_ms",
        );
        check(
            (1_024..=16 * 1024 * 1024).contains(&self.args_bytes_max),
            "jobs.args_bytes_max: must be from 1024 to 16777216",
        );
        check(self.losses_max >= 1, "jobs.losses_max: must be at least 1");
        check(
            self.backoff_min_ms <= self.backoff_max_ms,
            "jobs.backoff_min_ms: must not exceed jobs.backoff_max_ms",
        );
        check(
            [self.keep_h, self.keep_failed_h, self.keep_runs_h].into_iter().all(|hours| hours <= 87_600),
            "jobs.keep_h: neither it nor keep_failed_h and keep_runs_h may exceed ten years",
        );
        faults
    }

    pub(crate) fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    pub(crate) fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat_ms)
    }

    pub(crate) fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }

    pub(crate) fn cancel_grace(&self) -> Duration {
        Duration::from_millis(self.cancel_grace_ms)
    }

    pub(crate) fn shutdown_grace(&self) -> Duration {
        Duration::from_millis(self.shutdown_grace_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_all_at_once() {
        assert_eq!(Config::default().validate(), Vec::<String>::new());
        let bad = Config {
            queues: BTreeMap::from([("slow".to_owned(), 0)]),
            lease_ms: 3_000,
            losses_max: 0,
            ..Config::default()
        };
        assert_eq!(bad.validate().len(), 3);
    }
}
