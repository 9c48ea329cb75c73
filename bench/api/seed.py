"""seed.py DATA_FOLDER ROWS: write made-up, ended events, and five models, straight into a stopped Socle's SQLite file.

There is no API that creates events (cameras do), so the benches that need many write them as the server would: one series
of the first workspace, ids that sort by time. Standard library only.
"""

import json
import os
import sqlite3
import sys

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
START_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
STEP_US = 30_000_000
EVIDENCE = {
    "rule": {"kind": "intrusion", "zone": [[0.3, 0.4], [0.7, 0.4], [0.7, 0.9], [0.3, 0.9]], "dwell_ms": 500, "min_score": 0.5},
    "polyline": [[round(0.3 + 0.05 * n, 2), 0.6] for n in range(8)],
    "box": [0.41, 0.32, 0.06, 0.27],
    "scores": [0.83],
    "model": "695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14",
    "key_frame_at": "2026-01-01T00:00:04Z",
    "dwell_ms": 7500,
    "crossings": [0, 0],
}


def identifier(prefix, at_us, number):
    """A UUIDv7 of that instant as the server writes it: 26 digits of base 32."""
    value = (at_us // 1000) << 80 | 0x7 << 76 | 0b10 << 62 | number
    return prefix + "_" + "".join(ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))


def main():
    folder, rows = sys.argv[1], int(sys.argv[2])
    path = os.path.join(folder, "socle.db")
    if not os.path.exists(path):
        sys.exit(f"no database {path}")
    database = sqlite3.connect(path)
    with database:
        (workspace,) = database.execute("SELECT id FROM identity_workspaces ORDER BY id").fetchone()
        camera, zone, series = (identifier(prefix, START_US, 1) for prefix in ("cam", "zone", "ser"))
        database.execute(
            "INSERT INTO surveillance_series (id, workspace_id, camera_id, camera_name, zone_id, zone_name, kind, severity, class, events)"
            " VALUES (?, ?, ?, 'Back door', ?, 'Yard', 'intrusion', 'medium', 'person', ?)",
            (series, workspace, camera, zone, rows),
        )
        database.executemany(
            "INSERT INTO surveillance_events (id, workspace_id, series_id, camera_id, confidence, state, started_at, last_seen_at,"
            " ended_at, track_ids, clip_state, evidence) VALUES (?, ?, ?, ?, ?, 'ended', ?, ?, ?, ?, 'none', ?)",
            (
                (identifier("evt", at, n), workspace, series, camera, 0.5 + n % 50 / 100, at, at + 8_000_000, at + 9_000_000,
                 json.dumps([n % 900 + 1]), json.dumps(EVIDENCE))
                for n, at in ((n, START_US + STEP_US * n) for n in range(rows))
            ),
        )
        database.executemany(
            "INSERT INTO surveillance_models (id, workspace_id, name, sha256, size_bytes, family, input_width, input_height, classes,"
            " source, active, created_at) VALUES (?, ?, ?, ?, 3660000, 'yolox', 416, 416, ?, 'upload', ?, ?)",
            (
                (identifier("mdl", START_US, n), workspace, f"model {n}", f"{n:064x}", json.dumps([f"class {c}" for c in range(80)]),
                 n == 0, START_US + n)
                for n in range(5)
            ),
        )
        for grain, seconds in (("hour", 3600), ("day", 86400)):
            database.execute(
                "INSERT INTO surveillance_counts (workspace_id, grain, bucket, series_id, events, acknowledged)"
                " SELECT workspace_id, ?, started_at / 1000000 / ? * ?, series_id, count(*), 0 FROM surveillance_events"
                " WHERE series_id = ? GROUP BY 1, 3, 4",
                (grain, seconds, seconds, series),
            )


if __name__ == "__main__":
    main()
