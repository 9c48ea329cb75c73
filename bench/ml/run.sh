#!/usr/bin/env bash
# What training programs ask of a tracking server: Socle beside a genuine `mlflow server` (SQLite, one worker), in turns, in
# one run, over HTTP in a closed loop; CPU per call first, then the wall. Then what Socle alone is asked: what the console's
# views of an experiment ask, 100,000 runs and a million points in one workspace, and its memory while points come in.
# SOCLE_BIN names the release binary; ROUNDS (3), SECONDS_EACH (5), SEARCHED (10000 runs on both), LARGE (100000 runs on Socle).
. "$(dirname "$0")/../../scripts/lib.sh"
SOCLE_BIN=${SOCLE_BIN:-$TARGET/release/socle}
. scripts/server.sh
. bench/machine.sh

work=$(mktemp -d "${TMPDIR:-/tmp}/socle-bench-ml.XXXXXX")
genuine=
finish() {
  socle_stop
  [ -z "$genuine" ] || stop_pid "$genuine"
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

[ -x "$SOCLE_BIN" ] || die "no $SOCLE_BIN: make build, or set SOCLE_BIN"
have wrk || need_packages wrk || die "wrk is missing"
venv=$("$SCRIPTS/venv.sh" scripts/mlflow/requirements.txt)
# One program calls as fast as it can; the limits are for many that share a server.
export SOCLE_LIMITS__ENABLED=false

machine
python3 bench/ml/client.py cold "$SOCLE_BIN" "$venv/bin/python" "$work" "${ROUNDS:-3}" >"$work/cold"
port=$(free_port)
mkdir -p "$work/genuine"
MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false MLFLOW_DISABLE_TELEMETRY=true "$venv/bin/python" -m mlflow server --host 127.0.0.1 \
  --port "$port" --workers 1 --backend-store-uri "sqlite:///$work/genuine/mlflow.db" --artifacts-destination "$work/genuine/files" \
  </dev/null >"$work/genuine.log" 2>&1 &
genuine=$!
socle_start "$work/data"
# With a key, as programs call; the genuine server asks for none.
key=$(socle_json POST /api/v1/auth/api-keys "$(socle_token)" '{"name":"bench","scopes":[]}' key)
wait_for 120 curl -fsS "http://127.0.0.1:$port/health" || die "the genuine MLflow server did not come up"
SOCLE_KEY=$key python3 -u bench/ml/client.py both "$SOCLE_URL" "$SOCLE_PID" "http://127.0.0.1:$port" "$genuine"
cat "$work/cold"
