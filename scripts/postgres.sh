#!/usr/bin/env bash
# A private PostgreSQL for tests, on a free port of the loopback interface, in a folder of its own.
#
#   postgres.sh start FOLDER [SETTING=VALUE…]   makes the cluster there, starts it and prints the superuser's URL
#   postgres.sh stop FOLDER                     stops it and removes the folder
#   postgres.sh down FOLDER [fast|immediate]    only stops it; `immediate` is a crash
#   postgres.sh up FOLDER                       starts it again, under the same URL
#   postgres.sh restart FOLDER [fast|immediate] both
#
# PostgreSQL refuses to run as root; then the cluster belongs to an unprivileged user (`postgres`, else `nobody`).
# Durability is off: the cluster lives as long as the tests. A test that stops the server has one of its own, and sets
# synchronous_commit=on for it: a crash of the server then loses nothing (fsync is for the crash of a machine).
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
  local folder=$1 bin port password setting
  shift
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
  for setting in "$@"; do
    echo "${setting%%=*} = '${setting#*=}'" | as_owner tee -a "$folder/data/postgresql.conf" >/dev/null
  done
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

down() {
  as_owner "$(programs)/pg_ctl" --pgdata "$1/data" --mode "${2:-fast}" --wait --silent stop </dev/null >&2
}

# The port is the one of the start: pg_ctl keeps the options of the last start in a file.
up() {
  local port
  port=$(as_owner sed -nE 's/.*"-p" "([0-9]+)".*/\1/p' "$1/data/postmaster.opts")
  as_owner "$(programs)/pg_ctl" --pgdata "$1/data" --log "$1/server.log" --wait --silent --options "-p $port" start \
    </dev/null >&2
}

owner=postgres
id "$owner" >/dev/null 2>&1 || owner=nobody
usage="usage: postgres.sh start FOLDER [SETTING=VALUE…] | stop FOLDER | down|restart FOLDER [fast|immediate] | up FOLDER"
[ $# -ge 2 ] || die "$usage"
case $1 in
  start | stop | down | up) "$@" ;;
  restart)
    down "$2" "${3:-fast}"
    up "$2"
    ;;
  *) die "$usage" ;;
esac
