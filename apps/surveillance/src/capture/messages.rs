//! What ffmpeg says on its standard error, read for what people and the watchdog need.

/// What is known of a stream once ffmpeg has opened it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct StreamInfo {
    /// As ffmpeg names it: `h264`, `hevc`, `mjpeg`.
    pub(crate) codec: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Nominal; `None` where the source does not say.
    pub(crate) fps: Option<f64>,
    pub(crate) bitrate_bps: Option<u64>,
    /// Of a file.
    pub(crate) duration_us: Option<i64>,
}

/// Why a source gives no pictures, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: String,
    /// Whether only a person can mend it.
    pub(crate) is_fatal: bool,
}

impl Fault {
    pub(crate) fn fatal(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into(), is_fatal: true }
    }

    pub(crate) fn retry(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into(), is_fatal: false }
    }

    pub(crate) fn of_http_status(status: u16) -> Self {
        match status {
            401 => Self::fatal(
                "the camera refused the user name or password",
                "check the user name and password",
            ),
            403 => Self::fatal("the camera forbids access", "check the rights of the camera's user"),
            404 => Self::fatal(
                "the camera has no stream at this path",
                "check the part of the address after the host",
            ),
            other => {
                Self::retry(format!("the camera answered HTTP {other}"), "check the address and the camera")
            }
        }
    }
}

/// A line of standard error.
#[derive(Debug, PartialEq)]
pub(crate) enum Line {
    /// Time of the next picture on standard output, in microseconds from the stream's begin.
    Picture { time_us: i64 },
    /// The first picture stream.
    Stream(StreamInfo),
    /// Duration and bitrate of the input.
    Input { duration_us: Option<i64>, bitrate_bps: Option<u64> },
    /// A segment was opened: what comes before it is whole.
    Other,
}

/// Reads one line; `in_output`: the lines after `Output #` describe what ffmpeg writes, not the source.
pub(crate) fn read(line: &str, in_output: bool) -> Line {
    if let Some(at) = line.find("] n:").filter(|_| line.contains("showinfo")) {
        if let Some(time) = value_after(&line[at..], "pts_time:")
            && let Ok(seconds) = time.parse::<f64>()
        {
            return Line::Picture { time_us: (seconds * 1e6).round() as i64 };
        }
        return Line::Other;
    }
    if in_output {
        return Line::Other;
    }
    if let Some(at) = line.find("Duration: ") {
        let rest = &line[at + 10..];
        let duration_us = rest.split(',').next().and_then(clock_us);
        let bitrate_bps = rest.find("bitrate: ").and_then(|at| kilobits(&rest[at + 9..]));
        return Line::Input { duration_us, bitrate_bps };
    }
    match line.find(": Video: ").filter(|_| line.contains("Stream #0:")) {
        Some(at) => stream(&line[at + 9..]).map_or(Line::Other, Line::Stream),
        None => Line::Other,
    }
}

fn value_after<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let rest = text[text.find(name)? + name.len()..].trim_start();
    Some(rest.split_whitespace().next().unwrap_or(rest))
}

/// `00:01:53.57`
fn clock_us(text: &str) -> Option<i64> {
    let mut parts = text.trim().split(':');
    let (h, m, s) = (
        parts.next()?.parse::<i64>().ok()?,
        parts.next()?.parse::<i64>().ok()?,
        parts.next()?.parse::<f64>().ok()?,
    );
    h.checked_mul(3600)?.checked_add(m * 60)?.checked_mul(1_000_000)?.checked_add((s * 1e6) as i64)
}

/// `433 kb/s`
fn kilobits(text: &str) -> Option<u64> {
    let (number, unit) = text.trim().split_once(' ')?;
    unit.starts_with("kb/s").then(|| number.parse::<u64>().ok()).flatten()?.checked_mul(1000)
}

/// `h264 (High), yuv420p(tv, bt470bg), 768x576 [SAR 1:1 DAR 4:3], 433 kb/s, 7 fps, …`
fn stream(text: &str) -> Option<StreamInfo> {
    let codec = text.split([' ', ',']).next()?.to_owned();
    let mut info = StreamInfo { codec, ..StreamInfo::default() };
    for part in text.split(", ").skip(1) {
        let first = part.split(' ').next().unwrap_or("");
        if info.width == 0
            && let Some((width, height)) = first.split_once('x')
            && let (Ok(width), Ok(height)) = (width.parse(), height.parse())
        {
            (info.width, info.height) = (width, height);
        } else if part.ends_with(" fps") || (info.fps.is_none() && part.ends_with(" tbr")) {
            info.fps = first.parse().ok();
        } else if part.contains(" kb/s") {
            info.bitrate_bps = kilobits(part);
        }
    }
    Some(info)
}

type Known = (&'static str, bool, &'static str, &'static str);

/// What ffmpeg says, whether only a person can mend it, and what that means. The first that fits any line counts, so the
/// particular stands before the general.
const KNOWN: &[Known] = &[
    (
        "Unrecognized option 'fps_mode'",
        true,
        "the installed ffmpeg is too old",
        "install ffmpeg 5.1 or newer",
    ),
    (
        "401 Unauthorized",
        true,
        "the camera refused the user name or password",
        "check the user name and password",
    ),
    ("403 Forbidden", true, "the camera forbids access", "check the rights of the camera's user"),
    (
        "404 Not Found",
        true,
        "the camera has no stream at this path",
        "check the part of the address after the host",
    ),
    (
        "404 Stream Not Found",
        true,
        "the camera has no stream at this path",
        "check the part of the address after the host",
    ),
    (
        "453 Not Enough Bandwidth",
        false,
        "the camera has no bandwidth for one more viewer",
        "close other viewers of this camera",
    ),
    (
        "461 Unsupported",
        true,
        "the camera does not speak over this transport",
        "choose the other RTSP transport (TCP or UDP)",
    ),
    ("503 Service Unavailable", false, "the camera is too busy", "close other viewers of this camera"),
    ("Server returned 5XX", false, "the camera answered with a fault of its own", "restart the camera"),
    (
        "method DESCRIBE failed: 4",
        true,
        "the camera refused to show this stream",
        "check the path, user name and password",
    ),
    (
        "Connection refused",
        false,
        "the camera refused the connection",
        "check the port, and that the camera's stream is switched on",
    ),
    ("No route to host", false, "the camera cannot be reached", "check the address and the network"),
    (
        "Network is unreachable",
        false,
        "the camera's network cannot be reached",
        "check the address and the network",
    ),
    (
        "Connection timed out",
        false,
        "the camera did not answer in time",
        "check the address, and that the camera is on",
    ),
    (
        "Operation timed out",
        false,
        "the camera did not answer in time",
        "check the address, and that the camera is on",
    ),
    (
        "Connection reset by peer",
        false,
        "the camera broke off the connection",
        "check that the address is that of a video stream",
    ),
    (
        "Failed to resolve hostname",
        false,
        "the host name is not known",
        "check the address, or use the camera's IP address",
    ),
    (
        "Name or service not known",
        false,
        "the host name is not known",
        "check the address, or use the camera's IP address",
    ),
    (
        "not on whitelist",
        true,
        "the stream leads to a protocol that is not allowed",
        "use the address of the stream itself",
    ),
    ("No such file or directory", true, "there is no such file", "check the path; it is one on the server"),
    (
        "Permission denied",
        true,
        "the file may not be read",
        "give the user that runs Socle the right to read it",
    ),
    ("Is a directory", true, "this is a folder", "give the path of one video file"),
    (
        "moov atom not found",
        true,
        "the video file is damaged or incomplete",
        "copy it again, or convert it with ffmpeg",
    ),
    (
        "matches no streams",
        true,
        "there is no picture in it, only sound or data",
        "choose the camera's video stream",
    ),
    (
        "Output file #0 does not contain any stream",
        true,
        "there is no picture in it",
        "choose the camera's video stream",
    ),
    ("Decoder (codec none) not found", true, "the video's codec is not supported", "set the camera to H.264"),
    ("Unknown decoder", true, "the video's codec is not supported", "set the camera to H.264"),
    ("no decoder found", true, "the video's codec is not supported", "set the camera to H.264"),
    (
        "Could not find codec parameters for stream",
        true,
        "the video's codec is not supported, or the video is damaged",
        "set the camera to H.264",
    ),
    ("No space left on device", false, "the disk is full", "make room in the data folder"),
    (
        "Invalid data found when processing input",
        true,
        "this is not a video, or it is damaged",
        "check that the address is that of a video",
    ),
    ("Protocol not found", true, "this kind of address is not supported", "use rtsp://, http:// or a file"),
    ("Error while decoding stream", false, "the video is damaged", "check the connection to the camera"),
];

/// The last lines' meaning; `None` where they say nothing known.
pub(crate) fn explain<'t>(lines: impl Iterator<Item = &'t str> + Clone) -> Option<Fault> {
    KNOWN.iter().find(|(said, ..)| lines.clone().any(|line| line.contains(said))).map(
        |&(_, is_fatal, message, hint)| Fault {
            message: message.to_owned(),
            hint: hint.to_owned(),
            is_fatal,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banners_tell_the_stream() {
        let line = "[info]   Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt470bg/unknown/unknown, progressive), 768x576 [SAR 1:1 DAR 4:3], 433 kb/s, 7 fps, 7 tbr, 14336 tbn (default)";
        let expected = StreamInfo {
            codec: "h264".into(),
            width: 768,
            height: 576,
            fps: Some(7.0),
            bitrate_bps: Some(433_000),
            duration_us: None,
        };
        assert_eq!(read(line, false), Line::Stream(expected));
        assert_eq!(read(line, true), Line::Other);
        let line = "[info]   Stream #0:0: Video: mjpeg (Baseline), yuvj420p(pc, bt470bg/unknown/unknown), 640x480, 25 tbr, 1200k tbn";
        assert!(
            matches!(read(line, false), Line::Stream(info) if info.codec == "mjpeg" && info.width == 640 && info.fps == Some(25.0))
        );
        assert_eq!(read("[info]   Stream #0:1: Audio: aac, 44100 Hz", false), Line::Other);
    }

    #[test]
    fn durations_and_picture_times() {
        let line = "[info]   Duration: 00:01:53.57, start: 0.000000, bitrate: 433 kb/s";
        assert_eq!(
            read(line, false),
            Line::Input { duration_us: Some(113_570_000), bitrate_bps: Some(433_000) }
        );
        let line = "[info]   Duration: N/A, start: 0.000000, bitrate: N/A";
        assert_eq!(read(line, false), Line::Input { duration_us: None, bitrate_bps: None });
        let line = "[Parsed_showinfo_3 @ 0x558281102300] [info] n:   1 pts:      1 pts_time:0.2     pos:       -1 fmt:yuv420p";
        assert_eq!(read(line, true), Line::Picture { time_us: 200_000 });
        assert_eq!(read("[Parsed_showinfo_3 @ 0x5] [info] color_range:tv", true), Line::Other);
    }

    #[test]
    fn words_become_plain() {
        let check = |lines: &[&str], part: &str| {
            let fault = explain(lines.iter().copied()).unwrap();
            assert!(fault.message.contains(part), "{fault:?}");
        };
        check(
            &[
                "[rtsp @ 0x5] [error] method DESCRIBE failed: 401 Unauthorized",
                "[error] pipe:0: Server returned 401 Unauthorized",
            ],
            "password",
        );
        check(
            &["Connection to tcp://127.0.0.1:1 failed: Connection refused", "pipe:0: Connection refused"],
            "refused the connection",
        );
        check(&["moov atom not found", "file:x: Invalid data found when processing input"], "incomplete");
        check(&["file:a.txt: Invalid data found when processing input"], "not a video");
        check(&["[fatal] Stream map '0:v:0' matches no streams."], "no picture");
        assert_eq!(explain(["all is well"].into_iter()), None);
    }
}
