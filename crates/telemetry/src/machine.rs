//! What the process may use of its machine, and how full the data folder's disk is.

use std::{fs, path::PathBuf};

/// Bounds of this process, read anew at each scrape.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    data: Option<PathBuf>,
}

impl Machine {
    pub(crate) fn new(data: Option<PathBuf>) -> Self {
        Self { data }
    }

    pub(crate) fn record(&self) {
        if let Some(bytes) = memory_limit_bytes() {
            metrics::gauge!("process_memory_limit_bytes").set(bytes as f64);
        }
        if let Ok(cores) = std::thread::available_parallelism() {
            metrics::gauge!("process_cpu_limit_cores").set(cores.get() as f64);
        }
        if let Some(stat) = self.data.as_ref().and_then(|data| rustix::fs::statvfs(data).ok()) {
            // What an unprivileged process may still write.
            metrics::gauge!("disk_free_bytes").set((stat.f_bavail * stat.f_frsize) as f64);
            metrics::gauge!("disk_size_bytes").set((stat.f_blocks * stat.f_frsize) as f64);
        }
    }
}

/// The least of the control groups' limits and the machine's memory; `None` where Linux does not tell.
fn memory_limit_bytes() -> Option<u64> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let machine = kib(&info, "MemTotal")? * 1024;
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = groups.lines().flat_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, group) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        // Version 2 has one hierarchy without controllers' names; version 1 one for memory.
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            other if other.split(',').any(|name| name == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => return Vec::new(),
        };
        // A limit of any group above holds as well.
        let mut found = Vec::new();
        let mut group = group.trim_end_matches('/');
        loop {
            found.extend(fs::read_to_string(format!("{root}{group}/{file}")).ok());
            match group.rsplit_once('/') {
                Some((above, _)) => group = above,
                None => return found,
            }
        }
    });
    limits.filter_map(|text| text.trim().parse::<u64>().ok()).chain([machine]).min()
}

fn kib(text: &str, name: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_not_above_the_machine() {
        assert_eq!(kib("MemTotal:       1024 kB\n", "MemTotal"), Some(1024));
        if cfg!(target_os = "linux") {
            let limit = memory_limit_bytes().unwrap();
            assert!((1 << 20..1 << 50).contains(&limit), "{limit}");
        }
    }
}
