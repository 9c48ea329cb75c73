#!/usr/bin/env bash
# Sentinel's engine beside a Python pipeline (OpenCV, ONNX Runtime on one thread, `trackers`, `supervision`) on the same
# frames: CPU per frame, MOTA, IDF1, HOTA, zone events. SOCLE_BIN names the release binary; RUNS the repetitions (3).
. "$(dirname "$0")/../../scripts/lib.sh"
. bench/machine.sh

data=${SOCLE_TEST_DATA:-$(realpath ../shared/data 2>/dev/null || true)}/vision
if [ ! -d "$data/video" ]; then
  note "no test data (set SOCLE_TEST_DATA): the vision bench was skipped"
  exit 0
fi
socle=${SOCLE_BIN:-$TARGET/release/socle}
arguments=(--data "$data" --runs "${RUNS:-3}")
if [ -x "$socle" ]; then
  arguments+=(--socle "$socle")
else
  note "no $socle (make build, or set SOCLE_BIN): only the peer runs"
fi
venv=$("$SCRIPTS/venv.sh" bench/vision/requirements.txt)
machine
"$venv/bin/python" bench/vision/run.py "${arguments[@]}"
