#!/usr/bin/env bash
# A private PostgreSQL for tests, on a free port of the loopback interface, in a folder of its own.
#
#   postgres.sh start FOLDER   makes the cluster there, starts it and prints the superuser's URL
#   postgres.sh stop FOLDER    stops it and removes the folder
#
# PostgreSQL refuses to run as root; then the cluster belongs to an unprivileged user (`postgres`, else `nobody`).
# Durability is off: the cluster lives as long as the tests. The server itself is never killed by a test.
. "$(dirname "$0")/lib.sh"

# The newest PostgreSQL of version 15 or later, by its folder of programs.
programs() {
  local folder version
  for folder in $(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -rV) \
    "$(dirname "$(command -v postgres 2>/dev/null)" 2>/dev/null)"; do
    [ -x "$folder/initdb" ] || continue
    version=$("$folder/postgres" --version | grep -oE '[0-9]+' | head -n 1)
    [ "$version" -ge 15 ] && echo "$folder" && return 0
  done
  return 1
}

# Runs a command as the cluster's owner.
as_owner() {
  if [ "$(id -u)" -ne 0 ]; then "$@"; else runuser -u "$owner" -- "$@"; fi
}

start() {
  local folder=$1 bin port password
  bin=$(programs) || { need_packages postgresql && bin=$(programs); } || die "PostgreSQL 15 or later is missing"
  mkdir -p "$folder"
  chmod 700 "$folder"
  [ "$(id -u)" -ne 0 ] || chown "$owner" "$folder"

  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  printf '%s' "$password" | as_owner tee "$folder/password" >/dev/null
  as_owner "$bin/initdb" --pgdata "$folder/data" --username socle --pwfile "$folder/password" --auth scram-sha-256 \
    --encoding UTF8 --locale C.UTF-8 --no-sync >"$folder.log" 2>&1 || { cat "$folder.log" >&2; die "initdb failed"; }
  as_owner tee -a "$folder/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 400
shared_buffers = 128MB
fsync = off
synchronous_commit = off
full_page_writes = off
CONF
  # Another program may take the port between asking and listening: then ask again.
  for _ in 1 2 3; do
    port=$(free_port)
    if as_owner "$bin/pg_ctl" --pgdata "$folder/data" --log "$folder/server.log" --wait --silent \
      --options "-p $port" start </dev/null >&2; then
      echo "postgres://socle:$password@127.0.0.1:$port/postgres"
      return 0
    fi
  done
  as_owner cat "$folder/server.log" >&2
  die "PostgreSQL did not start"
}

stop() {
  local folder=$1 bin
  [ -d "$folder/data" ] || return 0
  bin=$(programs)
  as_owner "$bin/pg_ctl" --pgdata "$folder/data" --mode immediate --wait --silent stop </dev/null >&2 || true
  rm -rf -- "$folder" "$folder.log"
}

owner=postgres
id "$owner" >/dev/null 2>&1 || owner=nobody
[ $# -eq 2 ] || die "usage: postgres.sh start|stop FOLDER"
case $1 in
  start) start "$2" ;;
  stop) stop "$2" ;;
  *) die "usage: postgres.sh start|stop FOLDER" ;;
esac
