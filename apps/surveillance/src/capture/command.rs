//! What ffmpeg is told.

use std::path::PathBuf;

use super::guard::Admitted;
use crate::model::{Source, SourceKind};

/// The pictures that are wanted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Analysis {
    /// Pictures a second; `None`: every picture.
    pub(crate) fps: Option<f64>,
    /// At most this wide; narrower sources are not enlarged. `None`: as the source is.
    pub(crate) width_max: Option<u32>,
    /// Exact size, where the owner of the camera set one.
    pub(crate) size: Option<(u32, u32)>,
}

/// Where copied segments go.
#[derive(Debug, Clone)]
pub(crate) struct Recording {
    pub(crate) folder: PathBuf,
    pub(crate) segment_ms: u64,
    /// Segments that the list names: older ones are known by nobody.
    pub(crate) listed_max: u64,
}

/// Arguments, and what goes to standard input: the address with its credentials, which the process list must not show.
pub(crate) struct Told {
    pub(crate) args: Vec<String>,
    pub(crate) stdin: Option<String>,
}

/// Nothing but the protocols that a camera speaks: a playlist cannot lead to files or elsewhere.
const PROTOCOLS: &str = "pipe,rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https,httpproxy,crypto,hls";

fn arguments(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The session of a camera: pictures to standard output as YUV4MPEG2, their times to standard error, and segments.
pub(crate) fn session(
    source: &Source,
    admitted: &Admitted,
    analysis: &Analysis,
    recording: Option<&Recording>,
) -> Told {
    // "info" because stream descriptions and picture times are told at that level; "repeat" so that none is folded.
    let mut args = arguments(&["-hide_banner", "-nostats", "-loglevel", "repeat+level+info"]);
    if source.kind == SourceKind::File {
        if source.repeat {
            args.extend(arguments(&["-stream_loop", "-1"]));
        }
        if source.real_time {
            args.push("-re".to_owned());
        }
    }
    let stdin = input(&mut args, source, admitted);
    args.extend(arguments(&["-map", "0:v:0", "-an", "-sn", "-dn"]));
    args.extend(["-vf".to_owned(), filters(analysis)]);
    args.extend(arguments(&[
        "-fps_mode",
        "passthrough",
        "-flush_packets",
        "1",
        "-f",
        "yuv4mpegpipe",
        "pipe:1",
    ]));
    if let Some(recording) = recording {
        let seconds = recording.segment_ms as f64 / 1000.0;
        args.extend(arguments(&[
            "-map",
            "0:v:0",
            "-c",
            "copy",
            "-f",
            "segment",
            "-segment_format",
            "matroska",
            // Each piece begins at zero: Matroska's duration is the last time, and the pieces are joined by it.
            "-reset_timestamps",
            "1",
        ]));
        args.extend(["-segment_time".to_owned(), format!("{seconds}")]);
        args.extend(["-segment_list".to_owned(), recording.folder.join("list.csv").display().to_string()]);
        args.extend(arguments(&["-segment_list_type", "csv"]));
        args.extend(["-segment_list_size".to_owned(), recording.listed_max.to_string()]);
        args.push(recording.folder.join("%08d.mkv").display().to_string());
    }
    Told { args, stdin }
}

/// One picture as JPEG to standard output: the test of a source.
pub(crate) fn one_picture(source: &Source, admitted: &Admitted) -> Told {
    let mut args = arguments(&["-hide_banner", "-nostats", "-loglevel", "repeat+level+info"]);
    let stdin = input(&mut args, source, admitted);
    args.extend(arguments(&[
        "-map",
        "0:v:0",
        "-an",
        "-frames:v",
        "1",
        "-vf",
        "scale=w='min(640,iw)':h=-2:flags=bilinear,format=yuvj420p",
    ]));
    args.extend(arguments(&["-c:v", "mjpeg", "-q:v", "4", "-f", "image2pipe", "pipe:1"]));
    Told { args, stdin }
}

/// Joins local files of one kind into an MP4 that plays while it loads. `list` is written by [`concat_list`].
pub(crate) fn join(list: &str, codec: &str, output: &str) -> Told {
    let mut args = arguments(&["-hide_banner", "-nostats", "-loglevel", "repeat+level+warning", "-y"]);
    args.extend(arguments(&["-f", "concat", "-safe", "0", "-protocol_whitelist", "pipe,file"]));
    args.extend(["-i".to_owned(), "pipe:0".to_owned(), "-map".to_owned(), "0:v:0".to_owned()]);
    args.extend(arguments(match codec {
        "h264" | "av1" | "vp9" => &["-c", "copy"],
        // Apple's players want this tag.
        "hevc" => &["-c", "copy", "-tag:v", "hvc1"],
        // No browser plays the rest: once to H.264.
        _ => &[
            "-c:v",
            "libx264",
            "-fps_mode",
            "vfr",
            "-preset",
            "veryfast",
            "-crf",
            "23",
            "-vf",
            "scale=trunc(iw/2)*2:trunc(ih/2)*2,format=yuv420p",
        ],
    }));
    args.extend(arguments(&["-avoid_negative_ts", "make_zero", "-movflags", "+faststart", "-f", "mp4"]));
    args.push(output.to_owned());
    Told { args, stdin: Some(list.to_owned()) }
}

/// A script of the concat demuxer.
pub(crate) fn concat_list<'p>(files: impl Iterator<Item = &'p str>) -> String {
    let mut text = String::from("ffconcat version 1.0\n");
    for file in files {
        text += &format!("file {}\n", quoted(&format!("file:{file}")));
    }
    text
}

fn input(args: &mut Vec<String>, source: &Source, admitted: &Admitted) -> Option<String> {
    if source.kind == SourceKind::File {
        // A prefix of its own, so that no file name reads as an option or another protocol.
        args.extend(arguments(&["-protocol_whitelist", "file,crypto"]));
        args.extend(["-i".to_owned(), format!("file:{}", admitted.url)]);
        return None;
    }
    let mut script = format!("ffconcat version 1.0\nfile {}\n", quoted(&admitted.url));
    match source.kind {
        SourceKind::Rtsp => {
            script += &format!("option rtsp_transport {}\noption timeout 8000000\n", source.transport.name());
        }
        _ => {
            script += "option rw_timeout 8000000\n";
            if admitted.is_mjpeg {
                script += "option use_wallclock_as_timestamps 1\n";
            } else {
                // A playlist or a file comes in bursts, far faster than it plays.
                args.push("-re".to_owned());
            }
        }
    }
    args.extend(arguments(&["-protocol_whitelist", PROTOCOLS]));
    args.extend(arguments(&["-f", "concat", "-safe", "0", "-i", "pipe:0"]));
    Some(script)
}

/// Quoted for ffmpeg's script reader (ffmpeg-utils, "Quoting and escaping").
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Thinned to the rate by time slots, so that no picture is ever doubled, then shrunk. `fast_bilinear` costs half of the
/// default and loses nothing that the detector would see.
fn filters(analysis: &Analysis) -> String {
    let mut chain = Vec::new();
    if let Some(fps) = analysis.fps {
        let slot = |time: &str| format!("floor({time}*{fps}+0.5)");
        let (now, last) = (slot("t"), slot("prev_selected_t"));
        chain.push(format!("select='isnan(prev_selected_t)+gt({now},{last})+lt(t,prev_selected_t)'"));
    }
    match (analysis.size, analysis.width_max) {
        (Some((width, height)), _) => chain.push(format!("scale=w={width}:h={height}:flags=fast_bilinear")),
        (None, Some(width)) => {
            chain.push(format!("scale=w='trunc(min({width},iw)/2)*2':h=-2:flags=fast_bilinear"))
        }
        (None, None) => {}
    }
    chain.extend(["format=yuv420p".to_owned(), "showinfo=checksum=0".to_owned()]);
    chain.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Transport;

    #[test]
    fn credentials_are_not_among_the_arguments() {
        let url = "rtsp://admin:it's@10.0.0.2/live";
        let source = Source::new(SourceKind::Rtsp, url, false, true, Transport::Udp).unwrap();
        let admitted = Admitted { url: url.to_owned(), is_mjpeg: false };
        let analysis = Analysis { fps: Some(5.0), width_max: Some(640), size: None };
        for told in [session(&source, &admitted, &analysis, None), one_picture(&source, &admitted)] {
            assert!(
                !told.args.iter().any(|arg| arg.contains("admin") || arg.contains("10.0.0.2")),
                "{:?}",
                told.args
            );
            let script = told.stdin.unwrap();
            assert!(script.contains(r"file 'rtsp://admin:it'\''s@10.0.0.2/live'"), "{script}");
            assert!(script.contains("rtsp_transport udp"));
        }
    }
}
