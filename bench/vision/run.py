"""Run the Python peer and `socle analyze` on the same frames, in turns, and print one Markdown table per clip.

Both write MOTChallenge text and events as JSON; both are scored by evaluate.py. CPU is user plus system time: of the peer
its frame loop alone (imports and model loading left out), of Socle the whole process with its ffmpeg child, from start to
exit. So the comparison never favours Socle. Needs the clips, ground truth and models of the test data folder.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CLIPS = {
    "pets09_s2l1": {"sequence": "PETS09-S2L1", "length": 795, "fps": 7, "size": "768x576", "halves": [(1, 397), (398, 795)]},
    "tud_campus": {"sequence": "TUD-Campus", "length": 71, "fps": 25, "size": "640x480", "halves": []},
}
# The library's defaults, and a lower bar that lets more weak boxes open tracks.
PEERS = {"peer, default thresholds": (0.7, 0.6), "peer, thresholds 0.5": (0.5, 0.5)}


def run(command):
    """Runs a command to its end: its standard output, its CPU seconds and its peak memory, both with its children."""
    read, write = os.pipe()
    child = subprocess.Popen(command, stdout=write)
    os.close(write)
    with os.fdopen(read) as text:
        out = text.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command[0]} ended with status {child.returncode}")
    return out, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def score(clip, data, tracks, events, first, last):
    about = CLIPS[clip]
    out, _, _ = run([
        sys.executable, os.path.join(HERE, "evaluate.py"), "--sequence", about["sequence"], "--gt", f"{data}/gt/{clip}/gt.txt",
        "--length", str(about["length"]), "--fps", str(about["fps"]), "--tracks", tracks, "--events", events,
        "--zones", os.path.join(HERE, "zones", f"{clip}.yaml"), "--size", about["size"], "--first", str(first), "--last", str(last),
    ])
    return json.loads(out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True, help="folder with video/, gt/ and models/")
    parser.add_argument("--socle", help="the built binary; without it only the peer runs")
    parser.add_argument("--model", help="yolox_nano_416.onnx of the data folder by default")
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    model = args.model or f"{args.data}/models/yolox_nano_416.onnx"

    for clip, about in CLIPS.items():
        video, zones = f"{args.data}/video/{clip}.mp4", os.path.join(HERE, "zones", f"{clip}.yaml")
        figures = {}
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(args.runs):
                for name, (activation, high) in PEERS.items():
                    out = [f"{folder}/{name}.txt", f"{folder}/{name}.json"]
                    text, _, _ = run([
                        sys.executable, os.path.join(HERE, "peer.py"), video, "--model", model, "--zones", zones, "--tracks", out[0],
                        "--events", out[1], "--activation", str(activation), "--high", str(high),
                    ])
                    seen = json.loads(text.splitlines()[-1])
                    assert seen["frames"] == about["length"], f"the peer decoded {seen['frames']} frames of {about['length']}"
                    figures.setdefault(name, {"out": out, "cpu": [], "memory": []})
                    figures[name]["cpu"].append(seen["cpu_ms_per_frame"])
                    figures[name]["memory"].append(seen["memory_mb"])
                if args.socle:
                    out = [f"{folder}/socle.txt", f"{folder}/socle.json"]
                    _, cpu, memory = run([
                        args.socle, "analyze", video, "--model", model, "--zones", zones, "--tracks", out[0], "--events", out[1],
                    ])
                    figures.setdefault("socle analyze", {"out": out, "cpu": [], "memory": []})
                    figures["socle analyze"]["cpu"].append(cpu * 1000 / about["length"])
                    figures["socle analyze"]["memory"].append(memory)

            print(f"\n{about['sequence']}, {about['length']} frames, {args.runs} runs in turns\n")
            print("| | CPU ms/frame: median (min to max) | peak MB | frames | MOTA | IDF1 | HOTA | zone events: right / found / true | precision | recall |")
            print("|---|---|---|---|---|---|---|---|---|---|")
            for name, seen in figures.items():
                cpu = f"{statistics.median(seen['cpu']):.1f} ({min(seen['cpu']):.1f} to {max(seen['cpu']):.1f})"
                memory = f"{statistics.median(seen['memory']):.0f}"
                for first, last in [(1, about["length"]), *about["halves"]]:
                    s = score(clip, args.data, *seen["out"], first, last)
                    ratios = [f"{s[key]:.3f}" if s[key] is not None else "–" for key in ("event_precision", "event_recall")]
                    print(f"| {name} | {cpu} | {memory} | {first} to {last} | {s['mota']:.3f} | {s['idf1']:.3f} | {s['hota']:.3f} | "
                          f"{s['events_right']} / {s['events_found']} / {s['events_true']} | {' | '.join(ratios)} |")
                    cpu = memory = ""
            if args.socle:
                peer = statistics.median(figures["peer, default thresholds"]["cpu"])
                ours = statistics.median(figures["socle analyze"]["cpu"])
                print(f"\nCPU per frame, Socle to peer: {ours / peer:.2f}")


if __name__ == "__main__":
    main()
