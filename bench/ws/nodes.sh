#!/usr/bin/env bash
# How soon clients on one node hear what happens on another: two web nodes and a worker on PostgreSQL, with Redis and without.
# SOCLE_BIN names the release binary; CLIENTS, EVENTS and RATE vary it. Starts PostgreSQL and Redis of its own.
. "$(dirname "$0")/../../scripts/lib.sh"
SOCLE_BIN=${SOCLE_BIN:-$TARGET/release/socle}
. scripts/server.sh
. bench/machine.sh
[ -x "$SOCLE_BIN" ] || die "no $SOCLE_BIN: make build, or set SOCLE_BIN"
if [ -z "${LOAD_BIN:-}" ]; then
  cargo build --quiet --release --package realtime --example load
  LOAD_BIN=$TARGET/release/examples/load
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/socle-bench-nodes.XXXXXX")
chmod 755 "$work"
pids=()
finish() {
  for pid in "${pids[@]}"; do stop_pid "$pid"; done
  scripts/postgres.sh stop "$work/postgres" || true
  scripts/redis.sh stop "$work/redis" || true
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
postgres=$(scripts/postgres.sh start "$work/postgres")
redis=$(scripts/redis.sh start "$work/redis")
export SOCLE_IDENTITY__SECRET="the nodes of one installation share this secret"
export SOCLE_REALTIME__CONNECTIONS_PER_USER_MAX=20000

# node NAME ROLES: one more process of the installation.
node() {
  SOCLE_ROLES=$2 socle_start "$work/$1"
  pids+=("$SOCLE_PID")
}

machine
echo "| between nodes | clients | events | told, p50 | told, p99 | slowest | lost |"
echo "| --- | --- | --- | --- | --- | --- | --- |"
for way in redis none; do
  SOCLE_DATABASE_URL=$postgres
  export SOCLE_DATABASE_URL
  if [ "$way" = redis ]; then export SOCLE_REDIS_URL=$redis; else unset SOCLE_REDIS_URL; fi
  node "worker-$way" worker,web
  node "b-$way" web
  b=$SOCLE_URL
  node "a-$way" web
  token=$(socle_token | tail -1)
  room=workspace:$(curl -fsS "$SOCLE_URL/auth/me" -H "Authorization: Bearer $token" | python3 -c 'import json, sys; print(json.load(sys.stdin)["workspace"]["id"])')
  found=$(EVENTS_AT=$b "$LOAD_BIN" socle "$SOCLE_URL" "$token" "$room" "${CLIENTS:-100}" "${EVENTS:-200}" "${RATE:-10}" "$SOCLE_PID" || true)
  python3 - "$way" "${found:-"{}"}" <<'PY'
import json, sys
print("| {} | {clients} | {events} | {p50_ms} ms | {p99_ms} ms | {max_ms} ms | {lost} |".format(sys.argv[1], **json.loads(sys.argv[2])))
PY
  for pid in "${pids[@]}"; do stop_pid "$pid"; done
  pids=()
done
