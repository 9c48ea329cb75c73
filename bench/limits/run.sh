#!/usr/bin/env bash
# What a limit costs each request, and whether it holds exactly: Socle beside Flask + flask-limiter (gunicorn, one worker),
# on the same private Redis. The cost is 1/rps with the limit less 1/rps without, server on core 0, Redis and load on core 1.
# SOCLE_BIN names the binary; ROUNDS (5) and SECONDS_EACH (5).
. "$(dirname "$0")/../../scripts/lib.sh"
SOCLE_BIN=${SOCLE_BIN:-$TARGET/release/socle}
. scripts/server.sh
. bench/machine.sh
[ -x "$SOCLE_BIN" ] || die "no $SOCLE_BIN: make build, or set SOCLE_BIN"

work=$(mktemp -d "${TMPDIR:-/tmp}/socle-bench-limits.XXXXXX")
pids=()
finish() {
  socle_stop
  for pid in "${pids[@]}"; do stop_pid "$pid"; done
  scripts/redis.sh stop "$work/redis" || true
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

load_core=$(($(nproc) > 1 ? 1 : 0))
rounds=${ROUNDS:-5}
seconds=${SECONDS_EACH:-5}
have wrk || need_packages wrk || die "wrk is missing"
venv=$("$SCRIPTS/venv.sh" bench/limits/requirements.txt)
redis=$(scripts/redis.sh start "$work/redis")
taskset -a -p -c "$load_core" "$(cat "$work/redis/pid")" >/dev/null

# peer_start STRATEGY: sets peer_url. The strategies write the same keys in ways of their own, so each has a database.
peer_start() {
  local port number=1
  [ "$1" = fixed-window ] || number=2
  port=$(free_port)
  peer_url=http://127.0.0.1:$port
  (cd bench/limits && PEER_REDIS=${redis%/0}/$number PEER_STRATEGY=$1 exec taskset -c 0 "$venv/bin/gunicorn" peer:app --bind "127.0.0.1:$port" \
    --workers 1 --threads 4 --worker-class gthread --log-level error) &
  pids+=($!)
  wait_for 20 curl -fsS "$peer_url/free" || die "the peer did not come up"
}

export SOCLE_LIMITS__TRUSTED_NETWORKS='[]' SOCLE_IDENTITY__SECRET='a secret of the benchmark, of more than 32 bytes'
wide='[{name="reads",burst=10000000,per_s=60,routes=["GET /api/*"],who="signed_in",key="user"},{name="narrow",burst=50,per_s=86400,routes=["GET /api/v1/tasks"],who="signed_in",key="user"}]'
export SOCLE_LIMITS__RULES=$wide
# start_as KIND: off, memory, redis
start_as() {
  export SOCLE_LIMITS__ENABLED=true SOCLE_REDIS_URL=
  case $1 in
    off) SOCLE_LIMITS__ENABLED=false ;;
    redis) SOCLE_REDIS_URL=$redis ;;
  esac
  socle_start "$work/data"
  taskset -a -p -c 0 "$SOCLE_PID" >/dev/null
  token=$(socle_token)
}

# load URL [TOKEN]: requests/s of one run; an answer other than 2xx ends the bench.
load() {
  local out
  out=$(taskset -c "$load_core" wrk -t 1 -c 16 -d "${seconds}s" -H "Authorization: Bearer ${2:-none}" "$1")
  if grep -qE 'Non-2xx|Socket errors' <<<"$out"; then
    printf '%s\n' "$out" >&2
    die "not every request was answered well"
  fi
  awk '/^Requests\/sec/ {print $2}' <<<"$out"
}

machine
strategies=(fixed-window moving-window)
declare -A peers
for strategy in "${strategies[@]}"; do
  peer_start "$strategy"
  peers[$strategy]=$peer_url
done
path=/api/v1/auth/me
for _ in $(seq "$rounds"); do
  for kind in off memory redis; do
    start_as "$kind"
    load "$SOCLE_URL$path" "$token" >>"$work/socle-$kind"
    socle_stop
  done
  load "${peers[fixed-window]}/free" >>"$work/peer-off"
  for strategy in "${strategies[@]}"; do
    load "${peers[$strategy]}/wide" >>"$work/peer-$strategy"
  done
done
python3 - "$work" <<'PY'
import statistics, sys
def read(name):
    return [float(line) for line in open(f"{sys.argv[1]}/{name}")]
print("\n| | requests/s: median (min to max) | a limit costs, µs |\n|---|---|---|")
for base, rows in [("socle-off", ["socle-off", "socle-memory", "socle-redis"]),
                   ("peer-off", ["peer-off", "peer-fixed-window", "peer-moving-window"])]:
    free = statistics.median(read(base))
    for name in rows:
        runs = read(name)
        median = statistics.median(runs)
        cost = "" if name == base else f"{1e6 / median - 1e6 / free:.0f}"
        print(f"| {name} | {median:.0f} ({min(runs):.0f} to {max(runs):.0f}) | {cost} |")
PY

# Exactness: 200 at once against 50, over two processes on one Redis.
start_as redis
first=$SOCLE_URL first_pid=$SOCLE_PID
pids+=("$first_pid")
# The second node has a SQLite file of its own with the same account, which is what its token needs.
SOCLE_PID=
cp -r "$work/data" "$work/other"
rm -f "$work/other/server.lock"
socle_start "$work/other"
echo
echo "| 200 at once against 50, over two processes | let through | refused | otherwise |"
echo "|---|---|---|---|"
read -r passed refused other < <(TOKEN=$token python3 bench/limits/exact.py "$first/api/v1/tasks" "$SOCLE_URL/api/v1/tasks")
echo "| socle | $passed | $refused | $other |"
for strategy in "${strategies[@]}"; do
  one=${peers[$strategy]}
  peer_start "$strategy"
  read -r passed refused other < <(python3 bench/limits/exact.py "$one/narrow" "$peer_url/narrow")
  echo "| flask-limiter, $strategy | $passed | $refused | $other |"
done
