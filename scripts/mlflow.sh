#!/usr/bin/env bash
# The unmodified MLflow client from PyPI, the newest and one from before MLflow 3, against a real server: on SQLite and a folder,
# then on PostgreSQL and S3 where SOCLE_TEST_POSTGRES_URL and SOCLE_TEST_S3_URL say where they are. A table of searches is
# answered by a genuine MLflow server too, on the same data; registered models give the predictions that MLflow's own scoring
# gives; all that the genuine server holds is imported, from itself and from its database file; both are asked what is
# malformed.
. "$(dirname "$0")/lib.sh"
. "$SCRIPTS/server.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/socle-mlflow.XXXXXX")
genuine=
other=
database=
finish() {
  local status=$?
  trap - EXIT INT TERM
  [ -z "$other" ] || stop_pid "$other"
  [ -z "$genuine" ] || stop_pid "$genuine"
  socle_stop
  [ -z "$database" ] || psql "$SOCLE_TEST_POSTGRES_URL" -qc "DROP DATABASE $database WITH (FORCE)" || true
  if [ "$status" -ne 0 ]; then
    tail -n 20 "$work"/*.log >&2 || true
  fi
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

venv=$("$SCRIPTS/venv.sh" scripts/mlflow/requirements.txt)
older=$("$SCRIPTS/venv.sh" scripts/mlflow/requirements-2.txt)
port=$(free_port)
genuine_url=http://127.0.0.1:$port
mkdir -p "$work/genuine"
# To find out what a model needs, the client would load it in a process of its own, which takes long and asks no server.
export MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT=1
export MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT=true MLFLOW_LOGGING_LEVEL=ERROR
# Job execution and the gateway would start processes of their own.
MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false "$venv/bin/python" -m mlflow server --host 127.0.0.1 --port "$port" --workers 1 \
  --backend-store-uri "sqlite:///$work/genuine/mlflow.db" --artifacts-destination "$work/genuine/files" \
  </dev/null >"$work/genuine.log" 2>&1 &
genuine=$!

# clients NAME: both at once, against a server of that name with what the environment says.
clients() {
  say "MLflow clients: $1"
  socle_start "$work/$1"
  socle_token >/dev/null
  (cd "$work" && exec "$older/bin/python" -W ignore "$SCRIPTS/mlflow/older.py" "$SOCLE_URL" "$ADMIN_EMAIL" "$ADMIN_PASSWORD") \
    >"$work/older.log" 2>&1 &
  other=$!
  (cd "$work" && "$venv/bin/python" -W ignore "$SCRIPTS/mlflow/client.py" "$SOCLE_URL" "$ADMIN_EMAIL" "$ADMIN_PASSWORD" \
    "$genuine_url" "$work/genuine.answers")
  wait "$other" || die "the older MLflow client was not content"
  other=
  tail -n 1 "$work/older.log"
}

# tables: what is malformed, and searches of the registry, here and to the genuine server.
tables() {
  local name
  for name in errors registry; do
    (cd "$work" && "$venv/bin/python" -W ignore "$SCRIPTS/mlflow/$name.py" "$SOCLE_URL" "$ADMIN_EMAIL" "$ADMIN_PASSWORD" \
      "$genuine_url" "$work/$name.answers")
  done
}

clients folder
(cd "$work" && exec "$venv/bin/python" -W ignore "$SCRIPTS/mlflow/serving.py" "$SOCLE_URL" "$ADMIN_EMAIL" "$ADMIN_PASSWORD")
# import_all WORKSPACE WHAT…: everything that the genuine server has into a workspace, twice: the second time there is nothing
# left to do. Then the client compares it with what that server says.
import_all() {
  local workspace=$1 first again imported
  shift
  first=$("$SOCLE_BIN" ml import --workspace "$workspace" "$@")
  again=$("$SOCLE_BIN" ml import --workspace "$workspace" "$@")
  echo "$first"
  ! grep '^left out: ' <<<"$first" || die "something was left out"
  ! grep ' there, ' <<<"$again" | grep -v ', 0 taken over now' || die "a second import took something over"
  imported=("$SCRIPTS/mlflow/imported.py" "$SOCLE_URL/t/$workspace" "$ADMIN_EMAIL" "$ADMIN_PASSWORD" "$genuine_url")
  (cd "$work" && "$venv/bin/python" -W ignore "${imported[@]}")
}

(cd "$work" && "$venv/bin/python" -W ignore "$SCRIPTS/mlflow/fill.py" "$genuine_url")
import_all "$(socle_json POST /api/v1/workspaces "$(socle_token)" '{"name":"Imported"}' slug)" --from "$genuine_url"
tables
# The same from its database file, while it is at work on it, into a server that is fresh; and one that somebody holds.
socle_stop
socle_start "$work/fresh"
socle_token >/dev/null
import_all main --from "$work/genuine/mlflow.db" --artifacts "$work/genuine/files"
"$venv/bin/python" - "$SOCLE_BIN" "$work/genuine/mlflow.db" "$work/held.db" <<'PYTHON'
import shutil, sqlite3, subprocess, sys

program, file, held = sys.argv[1:]
shutil.copy(file, held)
connection = sqlite3.connect(held, isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
told = subprocess.run([program, "ml", "import", "--from", held], capture_output=True, text=True)
assert told.returncode == 1 and "is locked: another program writes to it" in told.stderr, told
PYTHON
kill "$genuine" # It takes its time to end; what it answered is kept.
socle_stop
if [ -n "${SOCLE_TEST_POSTGRES_URL:-}" ] && [ -n "${SOCLE_TEST_S3_URL:-}" ] && have psql; then
  database=socle_mlflow_$$
  psql "$SOCLE_TEST_POSTGRES_URL" -qc "CREATE DATABASE $database"
  url() { python3 -c "import sys, urllib.parse as u; url = u.urlsplit(sys.argv[1]); print($2)" "$1"; }
  parameter() { url "$SOCLE_TEST_S3_URL" "u.parse_qs(url.query)['$1'][0]"; }
  SOCLE_DATABASE_URL=$(url "$SOCLE_TEST_POSTGRES_URL" "url._replace(path='/$database').geturl()")
  SOCLE_STORAGE__URL=${SOCLE_TEST_S3_URL%%\?*}/mlflow-$$
  SOCLE_STORAGE__ENDPOINT=$(parameter endpoint) SOCLE_STORAGE__REGION=$(parameter region)
  export SOCLE_DATABASE_URL SOCLE_STORAGE__URL SOCLE_STORAGE__ENDPOINT SOCLE_STORAGE__REGION SOCLE_ML__SIGNED_DOWNLOADS=true
  clients postgres-s3
  tables
else
  note "not tried on PostgreSQL and S3: SOCLE_TEST_POSTGRES_URL, SOCLE_TEST_S3_URL or psql is missing"
fi
