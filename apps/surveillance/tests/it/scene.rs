//! Video that the tests make themselves: a textured yard through which something tall and light walks.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use testkit::App;

/// The yard is empty for two seconds, then somebody crosses it in five, then it is empty again. 640x360, 10 pictures a
/// second, 9 seconds.
pub(crate) fn walk(app: &App, name: &str) -> PathBuf {
    let yard = "nullsrc=s=640x360:r=10:d=9,geq=lum='110+35*sin(X/9)*cos(Y/7)+20*sin((X+Y)/23)':cb=128:cr=128";
    let walker = "color=c=0xe8e8e8:s=50x130:r=10:d=9";
    let way = "overlay=x='if(lt(t,2),-200,-60+(t-2)*140)':y=170";
    let file = media(app).join(name);
    ffmpeg(
        &["-f", "lavfi", "-i", yard, "-f", "lavfi", "-i", walker, "-filter_complex", way],
        &["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p"],
        &file,
    );
    file
}

/// The folder that file cameras may read from.
pub(crate) fn media(app: &App) -> PathBuf {
    let folder = app.data.join("media");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// # Panics
///
/// When ffmpeg does not do it: without ffmpeg there are no cameras to test.
pub(crate) fn ffmpeg(input: &[&str], output: &[&str], file: &Path) {
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-nostdin"])
        .args(input)
        .args(output)
        .arg(file)
        .output();
    let done = done.expect("ffmpeg is installed (apt-get install ffmpeg)");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Decodes a video: how many pictures it has, and how long it is in seconds.
pub(crate) fn measure(video: &[u8]) -> (u32, f64) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clip.mp4");
    std::fs::write(&file, video).unwrap();
    let done = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-count_frames"])
        .args(["-show_entries", "stream=nb_read_frames,duration", "-of", "json"])
        .arg(&file)
        .output()
        .expect("ffprobe comes with ffmpeg");
    assert!(done.status.success() && done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
    let said: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let number = |name: &str| said["streams"][0][name].as_str().unwrap().parse::<f64>().unwrap();
    (number("nb_read_frames") as u32, number("duration"))
}
