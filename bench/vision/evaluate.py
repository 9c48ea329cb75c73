"""Score a tracker's output against MOTChallenge ground truth, with TrackEval (the toolkit of MOTChallenge itself).

    evaluate.py --sequence PETS09-S2L1 --gt gt.txt --length 795 --fps 7 --tracks T.txt
                [--events E.json --zones Z.yaml --size 768x576] [--first 1 --last 397]

Prints one JSON line: MOTA, IDF1 and HOTA (mean over the localisation thresholds) of the frames `first` to `last`, by
TrackEval's own reader for MOT15 sequences (rows with flag 0 are dropped, matches need IoU 0.5); and precision and recall
of zone events. The true events are made from the ground-truth boxes by the rule that both sides follow: the foot of a
person (middle of the lower edge) is in the polygon for at least the zone's `dwell_ms`, and an absence up to a second does
not end the stay. An event is right when it overlaps a true one of its zone in time; each true one is found by one event
at most, so a second event for the same stay is wrong.
"""

import argparse
import contextlib
import csv
import io
import json
import os
import tempfile
from collections import defaultdict
from datetime import datetime

import numpy as np
import yaml
from scipy.optimize import linear_sum_assignment

with contextlib.redirect_stdout(io.StringIO()):
    import cv2
    import trackeval

GAP_S = 1.0


def rows(path, first, last):
    """The rows of frames `first` to `last`, frames renumbered from 1."""
    with open(path) as text:
        for row in csv.reader(text):
            if row and first <= int(float(row[0])) <= last:
                yield [str(int(float(row[0])) - first + 1), *row[1:]]


def tracking_scores(args, first, last):
    length = last - first + 1
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        gt = os.path.join(folder, "gt", args.sequence, "gt")
        found = os.path.join(folder, "trackers", "it", "data")
        for path in (gt, found):
            os.makedirs(path)
        for source, target in ((args.gt, os.path.join(gt, "gt.txt")), (args.tracks, os.path.join(found, args.sequence + ".txt"))):
            with open(target, "w") as out:
                out.writelines(",".join(row) + "\n" for row in rows(source, first, last))
        dataset = trackeval.datasets.MotChallenge2DBox({
            "GT_FOLDER": os.path.join(folder, "gt"), "TRACKERS_FOLDER": os.path.join(folder, "trackers"),
            "TRACKERS_TO_EVAL": ["it"], "BENCHMARK": "MOT15", "SPLIT_TO_EVAL": "train", "SKIP_SPLIT_FOL": True,
            "SEQ_INFO": {args.sequence: length}, "PRINT_CONFIG": False, "OUTPUT_FOLDER": folder,
        })
        data = dataset.get_preprocessed_seq_data(dataset.get_raw_seq_data("it", args.sequence), "pedestrian")
        clear = trackeval.metrics.CLEAR({"THRESHOLD": 0.5, "PRINT_CONFIG": False}).eval_sequence(data)
        identity = trackeval.metrics.Identity({"THRESHOLD": 0.5, "PRINT_CONFIG": False}).eval_sequence(data)
        hota = trackeval.metrics.HOTA().eval_sequence(data)
    return {
        "mota": clear["MOTA"], "idf1": identity["IDF1"], "hota": float(np.mean(hota["HOTA"])), "id_switches": int(clear["IDSW"]),
        "false_positives": int(clear["CLR_FP"]), "misses": int(clear["CLR_FN"]), "deta": float(np.mean(hota["DetA"])),
        "assa": float(np.mean(hota["AssA"])),
    }


def true_events(args, zones, first, last):
    width, height = (int(side) for side in args.size.split("x"))
    feet = defaultdict(list)
    for frame, person, x, y, w, h, flag, *_ in rows(args.gt, first, last):
        if int(float(flag)) != 0:
            feet[person].append((int(frame), (float(x) + float(w) / 2, float(y) + float(h))))
    events = []
    for zone in zones:
        polygon = (np.array(zone["points"]) * [width, height]).astype(np.float32)
        for path in feet.values():
            inside = sorted(frame for frame, foot in path if cv2.pointPolygonTest(polygon, foot, False) >= 0)
            stays = []
            for frame in inside:
                now = (frame - 1) / args.fps
                if stays and now - stays[-1][1] <= GAP_S:
                    stays[-1][1] = now
                else:
                    stays.append([now, now])
            events += [(zone["name"], a, b) for a, b in stays if b - a >= zone.get("dwell_ms", 0) / 1000]
    return events


def seconds(event, edge, origin):
    """When an event starts or ends, in seconds from the beginning of the video, in whichever form it is written."""
    names = {"start": ("started_at",), "end": ("ended_at", "last_seen_at")}[edge]
    if f"{edge}_s" in event:
        return float(event[f"{edge}_s"])
    if f"{edge}_ms" in event:
        return event[f"{edge}_ms"] / 1000
    instant = next(event[name] for name in names if event.get(name))
    return (datetime.fromisoformat(instant.replace("Z", "+00:00")) - origin).total_seconds()


def found_events(args, first, last):
    """(zone, start, end) of the intrusion events that begin in the frames asked for, in seconds from `first`."""
    with open(args.events) as text:
        document = json.load(text)
    listed = document["events"] if isinstance(document, dict) else document
    origin = datetime.fromisoformat(args.origin.replace("Z", "+00:00"))
    offset, end = (first - 1) / args.fps, last / args.fps
    events = []
    for event in listed:
        if event["kind"] != "intrusion":
            continue
        zone = event.get("zone", event.get("zone_name"))
        start, stop = (seconds(event, edge, origin) for edge in ("start", "end"))
        if offset <= start < end:
            events.append((zone, start - offset, stop - offset))
    return events


def event_scores(true, found):
    """Precision and recall of a one-to-one matching with the longest common time."""
    overlap = np.zeros((len(true), len(found)))
    for i, (zone, a, b) in enumerate(true):
        for j, (other, c, d) in enumerate(found):
            # Half a second on either side: a dwell time may be counted into the event or not.
            if zone == other and a - 0.5 <= d and c <= b + 0.5:
                overlap[i, j] = 0.001 + max(0.0, min(b, d) - max(a, c))
    matched = sum(overlap[i, j] > 0 for i, j in zip(*linear_sum_assignment(-overlap))) if overlap.size else 0
    return {
        "events_true": len(true), "events_found": len(found), "events_right": int(matched),
        "event_precision": matched / len(found) if found else None, "event_recall": matched / len(true) if true else None,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sequence", required=True)
    parser.add_argument("--gt", required=True)
    parser.add_argument("--tracks", required=True)
    parser.add_argument("--length", type=int, required=True, help="frames of the sequence")
    parser.add_argument("--fps", type=float, required=True)
    parser.add_argument("--events")
    parser.add_argument("--zones")
    parser.add_argument("--size", help="WIDTHxHEIGHT of the picture")
    parser.add_argument("--origin", default="1970-01-01T00:00:00Z", help="instant of the first frame, for events with instants")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--last", type=int)
    args = parser.parse_args()
    last = args.last or args.length

    scores = tracking_scores(args, args.first, last)
    if args.events:
        with open(args.zones) as text:
            zones = yaml.safe_load(text)["zones"]
        scores |= event_scores(true_events(args, zones, args.first, last), found_events(args, args.first, last))
    print(json.dumps({key: round(value, 4) if isinstance(value, float) else value for key, value in scores.items()}))


if __name__ == "__main__":
    main()
