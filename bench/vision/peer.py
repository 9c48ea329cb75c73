"""The Python peer: OpenCV decodes, ONNX Runtime detects (one thread), `trackers` tracks (ByteTrack), `supervision` looks at zones.

    peer.py VIDEO --model yolox_nano_416.onnx --zones Z.yaml --tracks T.txt --events E.json [--activation 0.7 --high 0.6]

Writes tracks as MOTChallenge text and zone events as JSON, and prints one JSON line with the CPU time (user and system,
all threads of this process) per frame of decode → detect → track → zone, without imports and model loading.
"""

import argparse
import json
import os
import resource
import time

# OpenCV reads this when it opens a video: its ffmpeg must not decode on threads of its own.
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "threads;1")

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
import supervision as sv  # noqa: E402
import yaml  # noqa: E402
from trackers import ByteTrackTracker  # noqa: E402

PERSON = 0
FLICKER_S = 0.5  # an event survives this long without its track in the zone


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Yolox:
    """YOLOX as exported by its authors: BGR 0..255, letterbox in the top left corner on grey 114, raw grid output."""

    def __init__(self, path, min_score, nms_iou):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0]
        self.height, self.width = self.input.shape[2:]
        self.min_score, self.nms_iou = min_score, nms_iou
        grids, strides = [], []
        for stride in (8, 16, 32):
            xs, ys = np.meshgrid(np.arange(self.width // stride), np.arange(self.height // stride))
            grids.append(np.stack([xs, ys], 2).reshape(-1, 2))
            strides.append(np.full((xs.size, 1), stride))
        self.grid, self.stride = np.concatenate(grids).astype(np.float32), np.concatenate(strides).astype(np.float32)

    def __call__(self, frame):
        scale = min(self.height / frame.shape[0], self.width / frame.shape[1])
        size = (int(frame.shape[1] * scale), int(frame.shape[0] * scale))
        padded = np.full((self.height, self.width, 3), 114, np.uint8)
        padded[: size[1], : size[0]] = cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR)
        tensor = padded.transpose(2, 0, 1)[None].astype(np.float32)

        raw = self.session.run(None, {self.input.name: np.ascontiguousarray(tensor)})[0][0]
        score = raw[:, 4] * raw[:, 5 + PERSON]
        keep = score >= self.min_score
        raw, score = raw[keep], score[keep]
        centre = (raw[:, :2] + self.grid[keep]) * self.stride[keep]
        half = np.exp(raw[:, 2:4]) * self.stride[keep] / 2
        found = sv.Detections(
            xyxy=np.concatenate([centre - half, centre + half], 1) / scale,
            confidence=score,
            class_id=np.full(len(score), PERSON),
        )
        return found.with_nms(threshold=self.nms_iou) if len(found) else found


class Zone:
    """One event per track and stay: begins after `dwell_ms` inside, ends when the track has been away for FLICKER_S."""

    def __init__(self, spec, width, height):
        points = np.round(np.array(spec["points"]) * [width, height]).astype(int)
        self.name, self.dwell_s = spec["name"], spec.get("dwell_ms", 0) / 1000
        self.area = sv.PolygonZone(points, triggering_anchors=[sv.Position.BOTTOM_CENTER])
        self.stays, self.events = {}, []

    def look(self, tracks, now):
        inside = tracks.tracker_id[self.area.trigger(tracks)] if len(tracks) else []
        for track in inside:
            stay = self.stays.setdefault(int(track), {"start_s": now})
            stay["end_s"] = now
        for track in [t for t, stay in self.stays.items() if now - stay["end_s"] > FLICKER_S]:
            self.close(track)

    def close(self, track):
        stay = self.stays.pop(track)
        if stay["end_s"] - stay["start_s"] >= self.dwell_s:
            self.events.append({"zone": self.name, "kind": "intrusion", "track_ids": [track], **stay})

    def finish(self):
        for track in list(self.stays):
            self.close(track)
        return self.events


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("video")
    parser.add_argument("--model", required=True)
    parser.add_argument("--zones", required=True)
    parser.add_argument("--tracks", required=True)
    parser.add_argument("--events", required=True)
    parser.add_argument("--min-score", type=float, default=0.1)
    parser.add_argument("--nms-iou", type=float, default=0.45)
    parser.add_argument("--activation", type=float, default=0.7, help="score that opens a track (the library's default)")
    parser.add_argument("--high", type=float, default=0.6, help="score of the first association (the library's default)")
    parser.add_argument("--label", default="peer")
    args = parser.parse_args()

    cv2.setNumThreads(1)
    model = Yolox(args.model, args.min_score, args.nms_iou)
    video = cv2.VideoCapture(args.video, cv2.CAP_FFMPEG)
    if not video.isOpened():
        raise SystemExit(f"cannot open {args.video}")
    fps = video.get(cv2.CAP_PROP_FPS)
    width, height = (int(video.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    with open(args.zones) as text:
        zones = [Zone(spec, width, height) for spec in yaml.safe_load(text)["zones"]]
    tracker = ByteTrackTracker(
        frame_rate=fps, track_activation_threshold=args.activation, high_conf_det_threshold=args.high
    )

    lines, frames = [], 0
    began, wall = cpu_seconds(), time.perf_counter()
    while True:
        ok, frame = video.read()
        if not ok:
            break
        frames += 1
        now = (frames - 1) / fps
        tracks = tracker.update(model(frame))
        tracks = tracks[tracks.tracker_id >= 0]
        for zone in zones:
            zone.look(tracks, now)
        for (x1, y1, x2, y2), track, score in zip(tracks.xyxy, tracks.tracker_id, tracks.confidence):
            # MOTChallenge counts ids from 1; this tracker from 0.
            lines.append(f"{frames},{track + 1},{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},{score:.4f},-1,-1,-1\n")
    used, passed = cpu_seconds() - began, time.perf_counter() - wall

    with open(args.tracks, "w") as out:
        out.writelines(lines)
    with open(args.events, "w") as out:
        json.dump({"events": [event for zone in zones for event in zone.finish()]}, out, indent=1)
    print(json.dumps({
        "label": args.label,
        "frames": frames,
        "cpu_ms_per_frame": round(used * 1000 / frames, 2),
        "wall_ms_per_frame": round(passed * 1000 / frames, 2),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }))


if __name__ == "__main__":
    main()
