#!/usr/bin/env bash
# A private Redis (or Valkey) for tests, on a free port of the loopback interface; nothing is written to disk.
#
#   redis.sh start FOLDER     starts it and prints its URL
#   redis.sh stop FOLDER      stops it
#   redis.sh restart FOLDER   stops it and starts it on the same port, empty
. "$(dirname "$0")/lib.sh"

program() { command -v redis-server || command -v valkey-server; }

launch() {
  local folder=$1 port=$2
  setsid "$(program)" --port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir "$folder" --daemonize no \
    </dev/null >"$folder/server.log" 2>&1 &
  echo $! >"$folder/pid"
  echo "$port" >"$folder/port"
  wait_for 20 answers "$port" || return 1
  # Another server may have taken the port between asking and listening: then ours has ended.
  kill -0 "$(cat "$folder/pid")" 2>/dev/null
}

answers() {
  python3 - "$1" <<'PY'
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1) as s:
    s.sendall(b"PING\r\n")
    assert s.recv(16).startswith(b"+PONG")
PY
}

start() {
  program >/dev/null || need_packages redis-server || die "Redis (or Valkey) is missing"
  mkdir -p "$1"
  for _ in 1 2 3; do
    local port
    port=$(free_port)
    if launch "$1" "$port"; then
      echo "redis://127.0.0.1:$port/0"
      return 0
    fi
    stop "$1"
  done
  cat "$1/server.log" >&2
  die "Redis did not start"
}

stop() {
  [ -f "$1/pid" ] || return 0
  stop_pid "$(cat "$1/pid")"
  rm -f "$1/pid"
}

[ $# -eq 2 ] || die "usage: redis.sh start|stop|restart FOLDER"
case $1 in
  start) start "$2" ;;
  stop) stop "$2" ;;
  restart)
    stop "$2"
    launch "$2" "$(cat "$2/port")" || die "Redis did not start again"
    ;;
  *) die "usage: redis.sh start|stop|restart FOLDER" ;;
esac
