#!/usr/bin/env bash
# Requests per second of an authenticated list of 20 of 10,000 events: Socle beside FastAPI + SQLAlchemy (uvicorn with
# uvloop and httptools, SQLite). Both servers live on core 0, the load generator (wrk, 16 connections, closed loop) on
# core 1; they are asked in turns and the medians compared. SOCLE_BIN names the release binary; ROUNDS (5) and SECONDS_EACH (8).
. "$(dirname "$0")/../../scripts/lib.sh"
SOCLE_BIN=${SOCLE_BIN:-$TARGET/release/socle}
. scripts/server.sh
. bench/machine.sh

rows=${ROWS:-10000}
rounds=${ROUNDS:-5}
seconds=${SECONDS_EACH:-8}
connections=16
server_core=0
load_core=$(($(nproc) > 1 ? 1 : 0))

work=$(mktemp -d "${TMPDIR:-/tmp}/socle-bench-api.XXXXXX")
peer=
finish() {
  socle_stop
  [ -z "$peer" ] || stop_pid "$peer"
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

have wrk || need_packages wrk || die "wrk is missing"
venv=$("$SCRIPTS/venv.sh" bench/api/requirements.txt)
path='/api/v1/surveillance/events?limit=20'

"$venv/bin/python" bench/api/peer.py seed "$work/peer.db" "$rows"
port=$(free_port)
(cd bench/api && PEER_DATABASE=$work/peer.db exec taskset -c "$server_core" "$venv/bin/uvicorn" peer:app --port "$port" \
  --loop uvloop --http httptools --no-access-log --log-level warning) &
peer=$!
peer_url=http://127.0.0.1:$port
wait_for 20 curl -fsS "$peer_url/health" || die "the peer did not come up"

names=(peer)
urls=("$peer_url$path")
tokens=("$("$venv/bin/python" bench/api/peer.py token)")
if [ -x "$SOCLE_BIN" ]; then
  # Events cannot be posted, so they are written to the database while the server is down.
  socle_start "$work/data"
  socle_token >/dev/null
  socle_stop
  python3 bench/api/seed.py "$work/data" "$rows"
  socle_start "$work/data"
  # shellcheck disable=SC2153 # set by socle_start
  taskset -a -p -c "$server_core" "$SOCLE_PID" >/dev/null
  names+=(socle)
  urls+=("$SOCLE_URL$path")
  tokens+=("$(socle_token)")
else
  note "no $SOCLE_BIN (make build, or set SOCLE_BIN): only the peer runs"
fi

machine
for i in "${!names[@]}"; do
  got=$(curl -fsS -H "Authorization: Bearer ${tokens[$i]}" "${urls[$i]}" |
    python3 -c 'import json, sys; b = sys.stdin.read(); print(len(json.loads(b)["items"]), "items,", len(b), "bytes")')
  [[ $got == "20 items,"* ]] || die "${names[$i]} answered $got, not 20"
  note "${names[$i]}: $got"
done

# One line `requests/s p50_ms p99_ms` of one run; an answer other than 2xx ends the bench.
load() {
  local out
  out=$(taskset -c "$load_core" wrk -t 1 -c $connections -d "${seconds}s" --latency -H "Authorization: Bearer $2" "$1")
  if grep -qE 'Non-2xx|Socket errors' <<<"$out"; then
    printf '%s\n' "$out" >&2
    die "not every request was answered well"
  fi
  awk 'function ms(t) { return t ~ /us$/ ? t / 1000 : t ~ /ms$/ ? t + 0 : t * 1000 }
    /50%/ {p50 = ms($2)} /99%/ {p99 = ms($2)} /^Requests\/sec/ {rps = $2} END {print rps, p50, p99}' <<<"$out"
}

for i in "${!names[@]}"; do load "${urls[$i]}" "${tokens[$i]}" >/dev/null; done # warm-up
for _ in $(seq "$rounds"); do
  for i in "${!names[@]}"; do
    load "${urls[$i]}" "${tokens[$i]}" >>"$work/${names[$i]}.figures"
  done
done

python3 - "$work" "${names[@]}" <<'PY'
import statistics, sys
folder, *names = sys.argv[1:]
print("\n| | requests/s: median (min to max) | p50 ms | p99 ms |\n|---|---|---|---|")
medians = {}
for name in names:
    rows = [[float(v) for v in line.split()] for line in open(f"{folder}/{name}.figures")]
    rps, p50, p99 = zip(*rows)
    medians[name] = statistics.median(rps)
    print(f"| {name} | {medians[name]:.0f} ({min(rps):.0f} to {max(rps):.0f}) | {statistics.median(p50):.2f} | {statistics.median(p99):.2f} |")
if len(names) == 2:
    print(f"\nsocle to peer: {medians['socle'] / medians['peer']:.1f} x")
PY
