use std::io::Write;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
pub static LOG: OnceLock<std::fs::File> = OnceLock::new();
pub fn open_log() {
    let p = std::env::var("START_LOG").unwrap();
    LOG.set(std::fs::OpenOptions::new().create(true).append(true).open(p).unwrap()).unwrap();
}
pub fn log_start(job: i64) {
    let t = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let line = format!("{job} {} {t:.3}\n", std::process::id());
    LOG.get().unwrap().write_all(line.as_bytes()).unwrap();
}
pub async fn work(job: i64) {
    log_start(job);
    let ms: u64 = std::env::var("WORK_MS").ok().and_then(|v| v.parse().ok()).unwrap_or(0);
    if ms > 0 {
        // deterministic spread around the mean
        let d = ms / 2 + (job as u64).wrapping_mul(2654435761) % ms;
        tokio::time::sleep(Duration::from_millis(d)).await;
    }
}
pub fn env_f(k: &str, d: f64) -> f64 { std::env::var(k).ok().and_then(|v| v.parse().ok()).unwrap_or(d) }
