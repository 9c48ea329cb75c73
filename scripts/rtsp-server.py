#!/usr/bin/python3
"""Serve a video file as a camera: H.264 over RTSP, in real time, with GStreamer's RTSP server.

    scripts/rtsp-server.py FILE [--port 0] [--mount /cam] [--user U --password W] [--auth digest] [--fps 7] [--loop]

Prints one line, `ready rtsp://127.0.0.1:PORT/MOUNT`, when clients may connect; port 0 takes a free one. The file
is first transcoded to H.264 without B-frames (as cameras send it), so any file that ffmpeg reads will do. `--fps`
replays the same frames at another rate. Every first client starts the film at its first frame, which makes tests
repeatable; clients that join while it runs share it. SIGUSR1 freezes the stream and, sent again, lets it go on:
the connection stays up, no frame comes. SIGTERM and SIGINT end the server.

Needs Debian's python3-gi, gir1.2-gst-rtsp-server-1.0, gstreamer1.0-plugins-good, gstreamer1.0-plugins-bad and
ffmpeg, which is why the interpreter is the system's own.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

# An access unit delimiter (NAL type 9) opens every picture, because the transcode inserts one.
DELIMITER = b"\x00\x00\x00\x01\x09"
ROLE = "viewer"


def probe_fps(path):
    """The nominal rate of the first video stream, in frames per second."""
    out = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=r_frame_rate", "-of", "csv=p=0", path],
        check=True, capture_output=True, text=True,
    ).stdout.strip().strip(",")
    top, _, bottom = out.partition("/")
    return float(top) / float(bottom or 1)


def pictures(path, fps):
    """The file as a list of Annex-B access units, one per picture, all in display order."""
    with tempfile.NamedTemporaryFile(suffix=".h264") as out:
        subprocess.run(
            ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", path, "-an", "-map", "0:v:0",
             "-vf", f"setpts=N/({fps}*TB),format=yuv420p", "-r", str(fps), "-c:v", "libx264", "-preset", "veryfast",
             "-crf", "20", "-bf", "0", "-g", str(max(1, round(fps))), "-bsf:v", "h264_metadata=aud=insert", "-f", "h264", out.name],
            check=True,
        )
        with open(out.name, "rb") as encoded:
            stream = encoded.read()
    return [DELIMITER + unit for unit in stream.split(DELIMITER)[1:]]


class Camera(GstRtspServer.RTSPMediaFactory):
    """Feeds pictures to whatever media the server builds, at the pace of the wall clock."""

    def __init__(self, units, fps, loop):
        super().__init__()
        self.units, self.loop, self.frozen = units, loop, False
        self.step_ns = int(Gst.SECOND / fps)
        self.timer = 0
        self.set_shared(True)
        self.set_launch(
            "( appsrc name=feed is-live=true format=time do-timestamp=false block=false"
            " caps=video/x-h264,stream-format=byte-stream,alignment=au"
            " ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
        )

    def do_configure(self, media):
        self.stop()
        feed = media.get_element().get_by_name_recurse_up("feed")
        self.sent = 0
        self.started = self.due = time.monotonic_ns()
        media.connect("unprepared", lambda _media: self.stop())
        self.push(feed)

    def stop(self):
        if self.timer:
            GLib.source_remove(self.timer)
            self.timer = 0

    def push(self, feed):
        """Send the picture that is due now and ask to be called when the next one is."""
        self.timer = 0
        if not self.frozen:
            if self.sent >= len(self.units) and not self.loop:
                feed.emit("end-of-stream")
                return False
            buffer = Gst.Buffer.new_wrapped(self.units[self.sent % len(self.units)])
            buffer.pts = buffer.dts = self.due - self.started
            buffer.duration = self.step_ns
            feed.emit("push-buffer", buffer)
            self.sent += 1
        self.due += self.step_ns
        wait_ms = max(0, self.due - time.monotonic_ns()) // 1_000_000
        self.timer = GLib.timeout_add(wait_ms, self.push, feed)
        return False

    def freeze(self):
        self.frozen = not self.frozen
        return True


def guard(factory, user, password, method):
    """An RTSPAuth that lets only `user` in, and the factory's matching permission."""
    allowed = GstRtspServer.RTSPPermissions()
    for permission in ("media.factory.access", "media.factory.construct"):
        allowed.add_permission_for_role(ROLE, permission, True)
    factory.set_permissions(allowed)

    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", ROLE)
    auth = GstRtspServer.RTSPAuth()
    if method == "digest":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(user, password, token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    return auth


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8554, help="0 takes a free one")
    parser.add_argument("--mount", default="/cam")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--auth", choices=["basic", "digest"], default="digest")
    parser.add_argument("--fps", type=float, help="replay rate; the file's own by default")
    parser.add_argument("--loop", action="store_true", help="start again at the end, without a break in time stamps")
    args = parser.parse_args()
    if bool(args.user) != bool(args.password):
        parser.error("--user and --password go together")
    if args.fps is not None and args.fps <= 0:
        parser.error("--fps must be positive")
    if not os.path.isfile(args.file):
        parser.error(f"no such file: {args.file}")
    return args


def main():
    args = arguments()
    Gst.init(None)
    fps = args.fps or probe_fps(args.file)
    camera = Camera(pictures(args.file, fps), fps, args.loop)

    server = GstRtspServer.RTSPServer()
    server.set_address(args.address)
    server.set_service(str(args.port))
    server.get_mount_points().add_factory(args.mount, camera)
    if args.user:
        server.set_auth(guard(camera, args.user, args.password, args.auth))
    loop = GLib.MainLoop()
    if server.attach(None) == 0:
        sys.exit(f"cannot listen on {args.address}:{args.port}")
    for number in (signal.SIGTERM, signal.SIGINT):
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, number, loop.quit)
    GLib.unix_signal_add(GLib.PRIORITY_HIGH, signal.SIGUSR1, camera.freeze)
    print(f"ready rtsp://{args.address}:{server.get_bound_port()}{args.mount}", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
