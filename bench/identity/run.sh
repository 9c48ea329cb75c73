#!/usr/bin/env bash
# Log-ins, who-am-I and refresh: Socle beside FastAPI + PyJWT + SQLAlchemy + argon2-cffi (uvicorn with uvloop and httptools,
# SQLite), asked in turns, medians compared. Then what others notice of a storm of log-ins, and the memory of 10,000 sessions.
# SOCLE_BIN names the release binary; ROUNDS (3) and SECONDS_EACH (8).
. "$(dirname "$0")/../../scripts/lib.sh"
SOCLE_BIN=${SOCLE_BIN:-$TARGET/release/socle}
. scripts/server.sh
. bench/machine.sh

rounds=${ROUNDS:-3}
seconds=${SECONDS_EACH:-8}
server_core=0
load_core=$(($(nproc) > 1 ? 1 : 0))

work=$(mktemp -d "${TMPDIR:-/tmp}/socle-bench-identity.XXXXXX")
peer=
finish() {
  socle_stop
  [ -z "$peer" ] || stop_pid "$peer"
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

[ -x "$SOCLE_BIN" ] || die "no $SOCLE_BIN: make build, or set SOCLE_BIN"
have wrk || need_packages wrk || die "wrk is missing"
venv=$("$SCRIPTS/venv.sh" bench/identity/requirements.txt)
CARGO_TARGET_DIR=$CACHE/bench-argon2 cargo build --release --quiet --manifest-path bench/identity/argon2/Cargo.toml
hashes=$CACHE/bench-argon2/release/bench-argon2

# Many log-ins of one account from one address at once: the limits would refuse what is to be measured.
export SOCLE_IDENTITY__LOGIN_ACCOUNT_MAX=100000 SOCLE_IDENTITY__LOGIN_ADDRESS_MAX=100000 SOCLE_IDENTITY__REFRESH_MAX=10000000 SOCLE_LIMITS__ENABLED=false

# on CORES COMMAND…: the hashing threads are counted by the cores that the process sees at its start.
on() { taskset -c "$1" "${@:2}"; }

start_peer() {
  local port
  port=$(free_port)
  rm -f "$work"/peer.db*
  "$venv/bin/python" bench/identity/peer.py seed "$work/peer.db"
  (cd bench/identity && PEER_DATABASE=$work/peer.db exec taskset -c "$1" "$venv/bin/uvicorn" peer:app --port "$port" \
    --loop uvloop --http httptools --no-access-log --log-level warning) &
  peer=$!
  peer_url=http://127.0.0.1:$port
  wait_for 20 curl -fsS "$peer_url/health" >/dev/null || die "the peer did not come up"
}

start_socle() {
  CORES=$1 socle_start "$work/data"
  socle_token >/dev/null
}

# load URL CONNECTIONS WRK_ARGUMENTS…: one line `requests/s p50_ms p99_ms`; an answer other than 2xx ends the bench.
load() {
  local url=$1 connections=$2 out
  shift 2
  out=$(taskset -c "$load_cores" wrk -t "$connections" -c "$connections" -d "${seconds}s" --timeout 20s --latency "$@" "$url")
  if grep -qE 'Non-2xx|Socket errors' <<<"$out"; then
    printf '%s\n' "$out" >&2
    die "not every request was answered well"
  fi
  awk 'function ms(t) { return t ~ /us$/ ? t / 1000 : t ~ /ms$/ ? t + 0 : t * 1000 }
    /50%/ {p50 = ms($2)} /99%/ {p99 = ms($2)} /^Requests\/sec/ {rps = $2} END {print rps, p50, p99}' <<<"$out"
}

token_of() {
  curl -fsS "$1/api/v1/auth/login" -H 'Content-Type: application/json' \
    -d "{\"email\":\"$ADMIN_EMAIL\",\"password\":\"$ADMIN_PASSWORD\"}" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])'
}

machine
load_cores=$load_core
start_peer "$server_core"
start_socle "$server_core"
for _ in $(seq "$rounds"); do
  on "$server_core" "$hashes" 1 "$seconds" >>"$work/hashes.1"
  for name in socle peer; do
    url=$SOCLE_URL
    [ $name = socle ] || url=$peer_url
    load "$url/api/v1/auth/login" 8 -s bench/identity/login.lua >>"$work/$name.login"
    load "$url/api/v1/auth/me" 16 -H "Authorization: Bearer $(token_of "$url")" >>"$work/$name.me"
    load "$url/api/v1/auth/refresh" 8 -s bench/identity/refresh.lua >>"$work/$name.refresh"
  done
done
socle_stop
stop_pid "$peer"

# The storm: both cores, as the machine would be used; 64 log in all the time, 4 ask who they are.
all_cores=0-$(($(nproc) - 1))
load_cores=$all_cores
start_peer "$all_cores"
start_socle "$all_cores"
for _ in $(seq "$rounds"); do
  on "$all_cores" "$hashes" "$(nproc)" "$seconds" >>"$work/hashes.all"
  for name in socle peer; do
    url=$SOCLE_URL
    [ $name = socle ] || url=$peer_url
    bearer="Authorization: Bearer $(token_of "$url")"
    wrk -t 4 -c 4 -d "${seconds}s" --timeout 20s --latency -s bench/identity/paced.lua -H "$bearer" "$url/api/v1/auth/me" \
      >"$work/$name.others" &
    others=$!
    load "$url/api/v1/auth/login" 64 -s bench/identity/login.lua >>"$work/$name.storm"
    wait "$others"
    awk '/p50 p99 max/ {print $4, $5, $6, $7}' "$work/$name.others" >>"$work/$name.during"
  done
done
socle_stop
stop_pid "$peer"
peer=

# Memory: 10,000 sessions that are all in use. A first one of each kind is made before, so that nothing else is new.
count=${SESSIONS:-10000}
start_socle "$all_cores"
curl -fsS "$SOCLE_URL/api/v1/auth/session" -H 'Content-Type: application/json' \
  -d "{\"email\":\"$ADMIN_EMAIL\",\"password\":\"$ADMIN_PASSWORD\"}" >/dev/null
socle_stop
python3 bench/identity/sessions.py "$work/data" "$count" >"$work/cookies"
head -n 16 "$work/cookies" >"$work/few"
socle_start "$work/data"
resident() { awk '/^VmRSS/ {print $2}' "/proc/$SOCLE_PID/status"; }
for _ in $(seq $((count / 16))); do cat "$work/few"; done >"$work/same"
python3 bench/identity/sessions.py use "$SOCLE_URL" "$work/same"
before=$(resident)
python3 bench/identity/sessions.py use "$SOCLE_URL" "$work/cookies"
after=$(resident)
socle_stop

python3 - "$work" "$before" "$after" "$count" <<'PY'
import statistics, sys
folder, before, after, count = sys.argv[1], *map(int, sys.argv[2:])
read = lambda name: [[float(v) for v in line.split()] for line in open(f"{folder}/{name}")]
def told(rows, column=0, digits=0):
    values = [row[column] for row in rows]
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"
middle = lambda rows, column=0: statistics.median(row[column] for row in rows)
print("\n| server on one core, requests/s: median (min to max) | socle | peer | ratio |\n|---|---|---|---|")
for name, words in [("login", "`POST /auth/login`, 8 at once"), ("me", "`GET /auth/me`, 16 at once"), ("refresh", "`POST /auth/refresh`, 8 at once")]:
    ours, theirs = read(f"socle.{name}"), read(f"peer.{name}")
    print(f"| {words} | {told(ours, digits=1)} | {told(theirs, digits=1)} | {middle(ours) / middle(theirs):.2f} |")
alone = read("hashes.1")
print(f"| Argon2id alone (the server's library) on that core, hashes/s | {told(alone, digits=1)} | | log-ins: {middle(read('socle.login')) / middle(alone):.3f} |")
alone = read("hashes.all")
print("\n| both cores, 64 log in without a pause | socle | peer |\n|---|---|---|")
print(f"| log-ins/s | {told(read('socle.storm'), digits=1)} | {told(read('peer.storm'), digits=1)} |")
print(f"| Argon2id alone on these cores, hashes/s | {told(alone, digits=1)} | |")
for column, words in [(1, "p50"), (2, "p99"), (3, "longest")]:
    print(f"| `GET /auth/me` meanwhile: {words}, ms | {told(read('socle.during'), column, 1)} | {told(read('peer.during'), column, 1)} |")
print(f"\n{count} browser sessions in use: {(after - before) / 1024:.1f} MB more than 16 of them as often ({before / 1024:.1f} to {after / 1024:.1f} MB)")
PY
