//! Where the data lies, and clips as frames.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use vision::{DetectionConfig, Detector, Frame};

/// The folder of the vision data, or `None` with a message.
pub(crate) fn data() -> Option<PathBuf> {
    let root = std::env::var_os("SOCLE_TEST_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let folder = root.join("vision");
    if folder.join("models").is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no test data in {}", folder.display());
    None
}

pub(crate) fn read(path: PathBuf) -> String {
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub(crate) fn detector(config: DetectionConfig) -> Option<Detector> {
    let bytes = std::fs::read(data()?.join("models/yolox_nano_416.onnx")).expect("the model is in the data");
    Some(Detector::load(&bytes, Some(config)).expect("the model loads"))
}

/// The first `count` pictures of a clip, at `fps`; `None` with a message where ffmpeg is missing.
pub(crate) fn frames(name: &str, width: usize, height: usize, fps: f64, count: usize) -> Option<Vec<Frame>> {
    let path = data()?.join("video").join(name);
    let child = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-frames:v", &count.to_string(), "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"])
        .stderr(Stdio::inherit())
        .output();
    let Ok(output) = child else {
        eprintln!("skipped: ffmpeg is not installed");
        return None;
    };
    let frames: Vec<Frame> = output
        .stdout
        .chunks_exact(Frame::byte_len(width, height))
        .enumerate()
        .map(|(i, data)| {
            let time_us = (i as f64 * 1e6 / fps) as i64;
            Frame::from_yuv420p(width, height, data.to_vec(), time_us).expect("whole pictures")
        })
        .collect();
    assert_eq!(frames.len(), count, "ffmpeg gave too few pictures of {name}");
    Some(frames)
}
