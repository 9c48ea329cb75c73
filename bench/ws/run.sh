#!/usr/bin/env bash
# 500 WebSocket clients of one room receive 100 events: none lost, none twice, and how long each took. The server lives on
# core 0, all clients on core 1. SOCLE_BIN names the release binary; CLIENTS, EVENTS and RATE (events a second) vary it.
. "$(dirname "$0")/../../scripts/lib.sh"
SOCLE_BIN=${SOCLE_BIN:-$TARGET/release/socle}
. scripts/server.sh
. bench/machine.sh
[ -x "$SOCLE_BIN" ] || die "no $SOCLE_BIN: make build, or set SOCLE_BIN"

work=$(mktemp -d "${TMPDIR:-/tmp}/socle-bench-ws.XXXXXX")
finish() {
  socle_stop
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
ulimit -n 8192 2>/dev/null || note "the limit of open files stays at $(ulimit -n)"

venv=$("$SCRIPTS/venv.sh" bench/ws/requirements.txt)
events=${EVENTS:-100}
socle_start "$work/data"
socle_token >/dev/null
socle_stop
python3 bench/api/seed.py "$work/data" "$events"
socle_start "$work/data"
# shellcheck disable=SC2153 # set by socle_start
taskset -a -p -c 0 "$SOCLE_PID" >/dev/null

machine
taskset -c $(($(nproc) > 1 ? 1 : 0)) "$venv/bin/python" bench/ws/clients.py "$SOCLE_URL" "$(socle_token)" \
  --clients "${CLIENTS:-500}" --events "$events" --rate "${RATE:-10}"
note "the server's resident memory with the clients gone: $(awk '/VmRSS/ {print int($2 / 1024)}' "/proc/$SOCLE_PID/status") MB, at most $(awk '/VmHWM/ {print int($2 / 1024)}' "/proc/$SOCLE_PID/status") MB"
