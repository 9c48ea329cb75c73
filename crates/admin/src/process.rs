//! What this process uses, from Linux's `/proc/self`; zeros elsewhere. How full its disk is.

use std::{fs, path::Path};

use platform::Platform;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Process {
    /// Resident set.
    pub(crate) memory_bytes: u64,
    pub(crate) cpu_seconds: f64,
    pub(crate) threads: u64,
    pub(crate) open_files: u64,
}

/// The disk of the data folder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disk {
    pub(crate) size_bytes: u64,
    /// What an unprivileged process may still write.
    pub(crate) free_bytes: u64,
}

/// `None` where the folder is not there, or the system does not tell.
pub(crate) fn disk(data: &Path) -> Option<Disk> {
    let stat = rustix::fs::statvfs(data).ok()?;
    Some(Disk { size_bytes: stat.f_blocks * stat.f_frsize, free_bytes: stat.f_bavail * stat.f_frsize })
}

/// Linux reports CPU time in ticks of 1/100 s to user space (`USER_HZ`), on every architecture that it supports.
const TICKS_PER_SECOND: f64 = 100.0;

pub(crate) fn measure() -> Process {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse::<u64>().ok()
    };
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the name in parentheses, which may hold spaces; utime and stime are fields 14 and 15.
    let after_name = stat.rsplit(')').next().unwrap_or("");
    let ticks: u64 =
        after_name.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<u64>().ok()).sum();
    Process {
        memory_bytes: field("VmRSS").unwrap_or(0) * 1024,
        cpu_seconds: ticks as f64 / TICKS_PER_SECOND,
        threads: field("Threads").unwrap_or(0),
        open_files: fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64),
    }
}

/// Puts the figures of the pool under their names; the process's own come from `telemetry`.
pub(crate) fn record(platform: &Platform) {
    platform.db.record_gauges();
}
