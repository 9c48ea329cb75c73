#!/usr/bin/env bash
# The unmodified MLflow client from PyPI against a real server, and a table of searches against a genuine MLflow server on
# the same data.
. "$(dirname "$0")/lib.sh"
. "$SCRIPTS/server.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/socle-mlflow.XXXXXX")
genuine=
finish() {
  local status=$?
  trap - EXIT INT TERM
  [ -z "$genuine" ] || stop_pid "$genuine"
  socle_stop
  if [ "$status" -ne 0 ]; then
    tail -n 20 "$work/data.log" "$work/genuine.log" >&2 || true
  fi
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

venv=$("$SCRIPTS/venv.sh" scripts/mlflow/requirements.txt)
port=$(free_port)
mkdir -p "$work/genuine"
# Job execution and the gateway would start processes of their own.
MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false MLFLOW_DISABLE_TELEMETRY=true "$venv/bin/python" -m mlflow server --host 127.0.0.1 \
  --port "$port" --workers 1 --backend-store-uri "sqlite:///$work/genuine/mlflow.db" --artifacts-destination "$work/genuine/files" \
  </dev/null >"$work/genuine.log" 2>&1 &
genuine=$!
socle_start "$work/data"
socle_token >/dev/null
wait_for 120 curl -fsS "http://127.0.0.1:$port/health" || die "the genuine MLflow server did not come up"
(cd "$work" && MLFLOW_DISABLE_TELEMETRY=true "$venv/bin/python" -W ignore "$SCRIPTS/mlflow/client.py" "$SOCLE_URL" \
  "$ADMIN_EMAIL" "$ADMIN_PASSWORD" "http://127.0.0.1:$port")
