#!/usr/bin/env bash
# Many clients of one room, idle and then told events: memory per client and the time to tell them all, for Socle's `/ws` and
# for Flask-SocketIO (gevent) in the same run. Each server lives on core 0, all clients on the last core. SOCLE_BIN names the
# release binary; CLIENTS, EVENTS and RATE (events a second) vary it; PEER=no leaves the peer out.
. "$(dirname "$0")/../../scripts/lib.sh"
SOCLE_BIN=${SOCLE_BIN:-$TARGET/release/socle}
. scripts/server.sh
. bench/machine.sh
[ -x "$SOCLE_BIN" ] || die "no $SOCLE_BIN: make build, or set SOCLE_BIN"

read -ra counts <<<"${CLIENTS:-1000 5000 10000}"
events=${EVENTS:-20}
rate=${RATE:-2}
most=$(printf '%s\n' "${counts[@]}" | sort -n | tail -1)
need=$((most + 2048))
ulimit -n "$need" 2>/dev/null || die "open files: $(ulimit -Hn) are allowed, $need are needed (ulimit -n, or fewer CLIENTS)"

if [ -z "${LOAD_BIN:-}" ]; then
  cargo build --quiet --release --package realtime --example load
  LOAD_BIN=$TARGET/release/examples/load
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/socle-bench-ws.XXXXXX")
peer=
finish() {
  socle_stop
  [ -z "$peer" ] || stop_pid "$peer"
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
last=$(($(nproc) - 1))

# row NAME JSON
row() {
  python3 - "$1" "$2" <<'PY'
import json, sys
name, found = sys.argv[1], json.loads(sys.argv[2])
print("| {} | {clients} | {joined} | {memory_idle_mb} MB | {per_client_kb} KB | {p50_ms} ms | {p99_ms} ms | {lost} |".format(name, **found))
PY
}

machine
echo "| server | clients | held | memory, all idle | per client | told, p50 | told, p99 | lost |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- |"
for clients in "${counts[@]}"; do
  SOCLE_REALTIME__CONNECTIONS_PER_USER_MAX=$((clients + 100)) SOCLE_REALTIME__CONNECTIONS_MAX=$((clients + 100)) \
    SOCLE_ROLES=web socle_start "$work/data-$clients"
  taskset -a -p -c 0 "$SOCLE_PID" >/dev/null
  token=$(socle_token | tail -1)
  room=workspace:$(curl -fsS "$SOCLE_URL/auth/me" -H "Authorization: Bearer $token" | python3 -c 'import json, sys; print(json.load(sys.stdin)["workspace"]["id"])')
  found=$(taskset -c "$last" "$LOAD_BIN" socle "$SOCLE_URL" "$token" "$room" "$clients" "$events" "$rate" "$SOCLE_PID" || true)
  row Socle "${found:-"{}"}"
  socle_stop
done
[ "${PEER:-yes}" = yes ] || exit 0
venv=$("$SCRIPTS/venv.sh" bench/ws/requirements.txt)
for clients in "${counts[@]}"; do
  port=$(free_port)
  taskset -c 0 "$venv/bin/python" bench/ws/flask_peer.py "$port" >"$work/peer.log" 2>&1 &
  peer=$!
  wait_for 30 curl -fsS "http://127.0.0.1:$port/" || die "the peer did not start: $(tail -5 "$work/peer.log")"
  found=$(taskset -c "$last" "$LOAD_BIN" socketio "http://127.0.0.1:$port" - - "$clients" "$events" "$rate" "$peer" || true)
  row Flask-SocketIO "${found:-"{}"}"
  stop_pid "$peer"
  peer=
done
