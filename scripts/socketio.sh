#!/usr/bin/env bash
# Older clients against a real server: socket.io-client (npm) and python-socketio (PyPI) connect by polling and by
# WebSocket, are refused where they must be, join rooms, and hear what older back-ends told them under those names.
. "$(dirname "$0")/lib.sh"
. "$SCRIPTS/server.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/socle-socketio.XXXXXX")
clients=()
finish() {
  local status=$?
  trap - EXIT INT TERM
  for client in "${clients[@]}"; do kill "$client" 2>/dev/null || true; done
  socle_stop
  [ "$status" -eq 0 ] || tail -n 20 "$work/data.log" >&2 || true
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

have ffmpeg || need_packages ffmpeg || die "ffmpeg is missing: a camera is needed"
venv=$("$SCRIPTS/venv.sh" scripts/socketio/requirements.txt)
"$SCRIPTS/console.sh" deps
socle_start "$work/data"
token=$(socle_token)
call() { curl -fsS "$SOCLE_URL$1" -H "Authorization: Bearer $token" "${@:2}"; }
field() { python3 -c "import json, sys; print(eval('json.load(sys.stdin)$1'))"; }
user=$(call /auth/me | field '["id"]')
workspace=$(call /auth/me | field '["workspace"]["id"]')

# A camera that sees a test picture: what it sees goes out as frame_update.
mkdir -p "$work/data/media"
ffmpeg -v error -f lavfi -i testsrc=s=320x240:r=5:d=4 -c:v libx264 -preset ultrafast -g 5 -pix_fmt yuv420p "$work/data/media/yard.mp4"
call /api/v1/surveillance/cameras -H 'Content-Type: application/json' >/dev/null -d "{\"name\": \"Yard\", \"fps\": 5,
  \"source\": {\"kind\": \"file\", \"url\": \"$work/data/media/yard.mp4\", \"loop\": true, \"real_time\": true}}"

"$venv/bin/python" scripts/socketio/client.py "$SOCLE_URL" "$token" "$user" "$work" &
clients+=($!)
(cd console && exec node ../scripts/socketio/client.mjs "$SOCLE_URL" "$token" "$user" "$work") &
clients+=($!)
everybody_listens() { [ "$(find "$work" -maxdepth 1 -name 'ready-*' | wc -l)" -eq 4 ]; }
wait_for 60 everybody_listens || die "not all clients came to listen"

# What modules tell stands in the outbox; the exam module is not there yet, so its events are put in as it would.
python3 - "$work/data/socle.db" "$workspace" <<'PY'
import json, sqlite3, sys
path, workspace = sys.argv[1:]
events = [
    ("surveillance.new_event", {"id": "evt_1", "camera_name": "Yard", "kind": "intrusion"}),
    ("exams.generated", {"id": "exam_1", "message": "Biology is ready"}),
    ("exams.published", {"id": "exam_1"}),
]
with sqlite3.connect(path, timeout=30) as database:
    for topic, data in events:
        database.execute(
            "INSERT INTO realtime_outbox (room, topic, workspace_id, data, at) VALUES (?, ?, ?, ?, CAST(strftime('%s') AS INTEGER) * 1000000)",
            (f"workspace:{workspace}", topic, workspace, json.dumps(data)),
        )
PY
for client in "${clients[@]}"; do wait "$client"; done
