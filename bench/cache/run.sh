#!/usr/bin/env bash
# The cache beside cashews, in memory and on the same private Redis: what a hit costs, and how often a cold key is computed
# when 1000 ask at once. Then Socle over HTTP with the cache and without, and with sessions and their permissions read for
# each request or kept. SOCLE_BIN names the release binary; ROUNDS (5), SECONDS_EACH (5) and ROWS (100000 events).
. "$(dirname "$0")/../../scripts/lib.sh"
SOCLE_BIN=${SOCLE_BIN:-$TARGET/release/socle}
. scripts/server.sh
. bench/machine.sh

work=$(mktemp -d "${TMPDIR:-/tmp}/socle-bench-cache.XXXXXX")
finish() {
  socle_stop
  scripts/redis.sh stop "$work/redis" || true
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

load_core=$(($(nproc) > 1 ? 1 : 0))
rounds=${ROUNDS:-5}
seconds=${SECONDS_EACH:-5}
venv=$("$SCRIPTS/venv.sh" bench/cache/requirements.txt)
redis=$(scripts/redis.sh start "$work/redis")
taskset -a -p -c "$load_core" "$(cat "$work/redis/pid")" >/dev/null
(cd bench/cache/socle && CARGO_TARGET_DIR=$TARGET/bench-cache cargo build --release --quiet)

machine
taskset -c 0 "$TARGET/bench-cache/release/bench-cache" "$redis" >"$work/socle"
taskset -c 0 "$venv/bin/python" bench/cache/peer.py "$redis" >"$work/peer"
python3 - "$work" <<'PY'
import sys
read = lambda name: {tuple(line.split()[:2]): line.split()[2] for line in open(f"{sys.argv[1]}/{name}")}
socle, peer = read("socle"), read("peer")
print("\n| one thread on core 0, Redis on the other | socle | cashews |\n|---|---|---|")
words = {"hit_us": "a hit of 20 rows, µs", "hit_100_at_once_us": "the same, 100 at once, µs each",
         "cold_1000_computed": "1000 callers of a cold key: computed", "cold_1000_ms": "until all have it (50 ms to compute), ms"}
for key in socle:
    print(f"| {key[0]}: {words[key[1]]} | {socle[key]} | {peer.get(key, '-')} |")
PY

if [ ! -x "$SOCLE_BIN" ]; then
  note "no $SOCLE_BIN (make build, or set SOCLE_BIN): nothing over HTTP"
  exit 0
fi
have wrk || need_packages wrk || die "wrk is missing"
socle_start "$work/data"
socle_token >/dev/null
socle_stop
python3 bench/api/seed.py "$work/data" "${ROWS:-100000}"

# load PATH: requests/s of one run; an answer other than 2xx ends the bench.
load() {
  local out
  out=$(taskset -c "$load_core" wrk -t 1 -c 16 -d "${seconds}s" -H "Authorization: Bearer $token" "$SOCLE_URL$1")
  if grep -qE 'Non-2xx|Socket errors' <<<"$out"; then
    printf '%s\n' "$out" >&2
    die "not every request was answered well"
  fi
  awk '/^Requests\/sec/ {print $2}' <<<"$out"
}

# The last is not kept: who looks at events acts on them.
paths=('/api/v1/surveillance/stats' '/api/v1/surveillance/models' '/api/v1/surveillance/events?limit=20')
# kind: without, memory, redis
start_as() {
  export SOCLE_CACHE__ENABLED=true SOCLE_REDIS_URL=
  case $1 in
    without) SOCLE_CACHE__ENABLED=false ;;
    redis) SOCLE_REDIS_URL=$redis ;;
  esac
  socle_start "$work/data"
  taskset -a -p -c 0 "$SOCLE_PID" >/dev/null
  token=$(socle_token)
}
for _ in $(seq "$rounds"); do
  for kind in without memory redis; do
    start_as "$kind"
    for i in "${!paths[@]}"; do
      load "${paths[$i]}" >>"$work/http.$kind.$i"
    done
    socle_stop
  done
done
echo
echo "| over HTTP, requests/s: median (min to max) | without | in memory | in Redis |"
echo "|---|---|---|---|"
for i in "${!paths[@]}"; do
  row="| \`GET ${paths[$i]}\` |"
  for kind in without memory redis; do
    row+=" $(sort -n "$work/http.$kind.$i" | awk '{v[NR] = $1} END {printf "%.0f (%.0f to %.0f)", v[int((NR + 1) / 2)], v[1], v[NR]}') |"
  done
  echo "$row"
done

# What a session may do is kept by identity, in each process.
for _ in $(seq "$rounds"); do
  for age in 0 5000; do
    export SOCLE_IDENTITY__SESSION_CACHE_MS=$age
    start_as memory
    load /api/v1/auth/me >>"$work/session.$age"
    socle_stop
  done
done
echo
echo "| over HTTP, requests/s: median (min to max) | session read each time | kept for 5 s |"
echo "|---|---|---|"
row="| \`GET /api/v1/auth/me\` |"
for age in 0 5000; do
  row+=" $(sort -n "$work/session.$age" | awk '{v[NR] = $1} END {printf "%.0f (%.0f to %.0f)", v[int((NR + 1) / 2)], v[1], v[NR]}') |"
done
echo "$row"
