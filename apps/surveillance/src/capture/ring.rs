//! What cameras sent in the last minutes, copied as it came, in pieces of a few seconds on disk.
//!
//! `ring/<camera>/<run>/`: one folder per ffmpeg child with `00000000.mkv…` as it wrote them, `list.csv` in which it
//! names each whole piece with its times, and `run.json` with what only we know. After a crash all of it is still there.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::CameraId;

/// The rings of all cameras of this machine.
#[derive(Debug, Clone)]
pub(crate) struct Ring {
    root: PathBuf,
}

/// `run.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Facts {
    /// Wall time of the stream's begin, in microseconds since 1970.
    base_us: Option<i64>,
    codec: String,
    /// The child's process id.
    pid: Option<u32>,
    /// No more pieces will come.
    closed: bool,
}

/// The folder of one child, while it runs.
#[derive(Debug)]
pub(crate) struct Run {
    folder: PathBuf,
    facts: Mutex<Facts>,
}

/// A piece of recording.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) codec: String,
    /// Wall time in microseconds since 1970.
    pub(crate) start_us: i64,
    pub(crate) end_us: i64,
}

/// What a ring holds of a stretch of time.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Oldest first; they do not overlap.
    pub(crate) segments: Vec<Segment>,
    /// Whether a running child may still add to it.
    pub(crate) grows: bool,
}

const FACTS: &str = "run.json";
const LIST: &str = "list.csv";
/// How long the last piece of a child that was killed may be, where nobody wrote it down.
const UNLISTED_US: i64 = 10_000_000;

impl Run {
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn note_base(&self, base_us: i64) {
        self.note(|facts| facts.base_us = Some(base_us));
    }

    pub(crate) fn note_codec(&self, codec: &str) {
        self.note(|facts| codec.clone_into(&mut facts.codec));
    }

    pub(crate) fn note_process(&self, pid: u32) {
        self.note(|facts| facts.pid = Some(pid));
    }

    pub(crate) fn close(&self) {
        self.note(|facts| facts.closed = true);
    }

    fn note(&self, change: impl FnOnce(&mut Facts)) {
        let mut facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut facts);
        if let Err(error) = write_facts(&self.folder, &facts) {
            tracing::warn!(%error, folder = %self.folder.display(), "could not note what is being recorded");
        }
    }
}

/// Whoever drops a run has ended its child.
impl Drop for Run {
    fn drop(&mut self) {
        self.close();
    }
}

fn write_facts(folder: &Path, facts: &Facts) -> std::io::Result<()> {
    let text = serde_json::to_vec(facts)?;
    // Beside and renamed: a crash leaves the old facts or the new.
    let beside = folder.join("run.json.new");
    fs::write(&beside, text)?;
    fs::rename(beside, folder.join(FACTS))
}

fn read_facts(folder: &Path) -> Option<Facts> {
    serde_json::from_slice(&fs::read(folder.join(FACTS)).ok()?).ok()
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

impl Ring {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    fn of(&self, camera: CameraId) -> PathBuf {
        self.root.join(camera.to_string())
    }

    /// A new folder for a child.
    pub(crate) fn begin(&self, camera: CameraId, now: Timestamp) -> std::io::Result<Run> {
        let camera = self.of(camera);
        fs::create_dir_all(&camera)?;
        let mut number = now.as_microsecond().max(0);
        loop {
            let folder = camera.join(format!("{number:017}"));
            match fs::create_dir(&folder) {
                Ok(()) => {
                    let run = Run { folder, facts: Mutex::default() };
                    write_facts(&run.folder, &Facts::default())?;
                    return Ok(run);
                }
                // Two within a microsecond, or a clock that went back.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Recorded pieces that touch `from_us..to_us`. Where two children recorded the same time (a file that was gone
    /// through twice), the later one counts.
    pub(crate) fn hold(&self, camera: CameraId, from_us: i64, to_us: i64) -> Held {
        let mut held = Held::default();
        for folder in folders(&self.of(camera)).into_iter().rev() {
            let Some(facts) = read_facts(&folder) else { continue };
            held.grows |= !facts.closed;
            let pieces = pieces(&folder, &facts);
            for piece in pieces.into_iter().filter(|piece| piece.end_us > from_us && piece.start_us < to_us) {
                let overlaps = |other: &Segment| {
                    piece.end_us.min(other.end_us) - piece.start_us.max(other.start_us)
                        > (piece.end_us - piece.start_us) / 2
                };
                if !held.segments.iter().any(overlaps) {
                    held.segments.push(piece);
                }
            }
        }
        held.segments.sort_by_key(|piece| piece.start_us);
        held
    }

    /// Removes pieces that ended before `before_us`, but for those that touch a stretch in `keep`, and what is left of
    /// children that are gone.
    pub(crate) fn purge(&self, camera: CameraId, before_us: i64, keep: &[(i64, i64)]) {
        for folder in folders(&self.of(camera)) {
            let Some(facts) = read_facts(&folder) else {
                drop(fs::remove_dir_all(&folder));
                continue;
            };
            let mut left = 0_usize;
            for piece in pieces(&folder, &facts) {
                let wanted = keep.iter().any(|(from, to)| piece.end_us > *from && piece.start_us < *to);
                if piece.end_us >= before_us || wanted {
                    left += 1;
                } else {
                    drop(fs::remove_file(&piece.path));
                }
            }
            if facts.closed && left == 0 {
                drop(fs::remove_dir_all(&folder));
            }
        }
        // Only when it is empty.
        drop(fs::remove_dir(self.of(camera)));
    }

    /// Cameras of which anything is recorded.
    pub(crate) fn cameras(&self) -> Vec<CameraId> {
        let id = |folder: PathBuf| folder.file_name()?.to_str()?.parse().ok();
        folders(&self.root).into_iter().filter_map(id).collect()
    }

    /// After a start: no child of an earlier process may run on, and none of their recordings grows.
    pub(crate) fn recover(&self) {
        for camera in folders(&self.root) {
            for folder in folders(&camera) {
                let mut facts = read_facts(&folder).unwrap_or_default();
                if !facts.closed {
                    if let Some(pid) = facts.pid {
                        end_orphan(pid, &folder);
                    }
                    facts.closed = true;
                    drop(write_facts(&folder, &facts));
                }
            }
        }
    }

    /// Bytes recorded of a child so far, as far as they are still there.
    pub(crate) fn recorded_bytes(folder: &Path) -> u64 {
        let Ok(entries) = fs::read_dir(folder) else { return 0 };
        entries
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "mkv"))
            .filter_map(|entry| entry.metadata().ok())
            .map(|meta| meta.len())
            .sum()
    }
}

/// Ends a child whose server died without it, if the process is still that child: numbers are used again.
fn end_orphan(pid: u32, folder: &Path) {
    let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else { return };
    let folder = folder.as_os_str().as_encoded_bytes();
    if !line.windows(folder.len().max(1)).any(|part| part == folder) {
        return;
    }
    if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        tracing::warn!(%pid, "ending an ffmpeg that outlived an earlier server");
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

/// The whole pieces of a run. The last one is listed by nobody when its child was killed; it is readable as far as it goes.
fn pieces(folder: &Path, facts: &Facts) -> Vec<Segment> {
    let Some(base_us) = facts.base_us else { return Vec::new() };
    let list = fs::read_to_string(folder.join(LIST)).unwrap_or_default();
    let segment = |path: PathBuf, start_us: i64, end_us: i64| Segment {
        path,
        codec: facts.codec.clone(),
        start_us: base_us + start_us,
        end_us: base_us + end_us,
    };
    let mut found = Vec::new();
    let (mut last_name, mut last_end) = (String::new(), 0);
    for line in list.lines() {
        let Some((name, start_us, end_us)) = listed(line) else { continue };
        last_end = last_end.max(end_us);
        if name > last_name.as_str() {
            name.clone_into(&mut last_name);
        }
        let path = folder.join(name);
        if path.is_file() {
            found.push(segment(path, start_us, end_us));
        }
    }
    if facts.closed {
        let Ok(entries) = fs::read_dir(folder) else { return found };
        let mut rest: Vec<PathBuf> = entries
            .flatten()
            .filter(|entry| entry.metadata().is_ok_and(|meta| meta.len() > 0))
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "mkv"))
            .filter(|path| {
                path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name > last_name.as_str())
            })
            .collect();
        rest.sort();
        for path in rest {
            found.push(segment(path, last_end, last_end + UNLISTED_US));
            last_end += UNLISTED_US;
        }
    }
    found
}

/// `00000001.mkv,2.857000,4.857000`
fn listed(line: &str) -> Option<(&str, i64, i64)> {
    let mut parts = line.split(',');
    let name = parts.next()?;
    let mut time = || parts.next()?.trim().parse::<f64>().ok().map(|seconds| (seconds * 1e6) as i64);
    let (start, end) = (time()?, time()?);
    (name.ends_with(".mkv") && !name.contains('/')).then_some((name, start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(us: i64) -> Timestamp {
        Timestamp::from_microsecond(us).unwrap()
    }

    fn recorded(ring: &Ring, camera: CameraId, base_us: i64, list: &str, extra: &[&str]) -> Run {
        let run = ring.begin(camera, at(base_us)).unwrap();
        run.note_base(base_us);
        run.note_codec("h264");
        fs::write(run.folder().join(LIST), list).unwrap();
        for name in list.lines().filter_map(|line| line.split(',').next()).chain(extra.iter().copied()) {
            fs::write(run.folder().join(name), b"x").unwrap();
        }
        run
    }

    const LISTED: &str = "00000000.mkv,0.0,2.0\n00000001.mkv,2.0,4.0\n00000002.mkv,4.0,6.0\n";

    fn starts(held: &Held) -> Vec<i64> {
        held.segments.iter().map(|piece| piece.start_us / 1_000_000).collect()
    }

    #[test]
    fn pieces_are_found_by_time_and_purged_by_time() {
        let folder = tempfile::tempdir().unwrap();
        let ring = Ring::new(folder.path().to_owned());
        let camera = CameraId::new(at(0));
        let run = recorded(&ring, camera, 100_000_000, LISTED, &["00000003.mkv"]);
        let held = ring.hold(camera, 101_000_000, 104_000_000);
        assert_eq!((starts(&held), held.grows), (vec![100, 102], true));
        ring.purge(camera, 106_500_000, &[(102_500_000, 103_000_000)]);
        assert_eq!(starts(&ring.hold(camera, 0, i64::MAX)), [102]);
        run.close();
        let held = ring.hold(camera, 0, i64::MAX);
        assert_eq!(
            (starts(&held), held.grows),
            (vec![102, 106], false),
            "the open piece counts once its child is gone"
        );
        ring.purge(camera, i64::MAX, &[]);
        assert!(!folder.path().join(camera.to_string()).exists());
    }

    #[test]
    fn the_later_run_of_the_same_time_counts() {
        let folder = tempfile::tempdir().unwrap();
        let ring = Ring::new(folder.path().to_owned());
        let camera = CameraId::new(at(0));
        let _old = recorded(&ring, camera, 100_000_000, LISTED, &[]);
        let new = recorded(&ring, camera, 100_000_000, LISTED, &[]);
        let held = ring.hold(camera, 0, i64::MAX);
        assert_eq!(starts(&held), [100, 102, 104]);
        assert!(held.segments.iter().all(|piece| piece.path.starts_with(new.folder())));
    }

    #[test]
    fn a_restart_closes_what_was_open() {
        let folder = tempfile::tempdir().unwrap();
        let ring = Ring::new(folder.path().to_owned());
        let camera = CameraId::new(at(0));
        std::mem::forget(recorded(&ring, camera, 0, LISTED, &[]));
        assert!(ring.hold(camera, 0, i64::MAX).grows);
        ring.recover();
        assert_eq!(ring.cameras(), [camera]);
        assert!(!ring.hold(camera, 0, i64::MAX).grows);
    }
}
