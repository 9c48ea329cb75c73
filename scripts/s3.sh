#!/usr/bin/env bash
# A private S3 service for tests (moto, in memory), on a free port of the loopback interface.
#
#   s3.sh start FOLDER   starts it, makes the bucket and prints its URL: s3://socle-test?endpoint=…&region=…
#   s3.sh stop FOLDER    stops it
#
# It takes any credentials; callers sign with AWS_ACCESS_KEY_ID=test and AWS_SECRET_ACCESS_KEY=test.
. "$(dirname "$0")/lib.sh"

bucket=socle-test

start() {
  local folder=$1 venv port endpoint
  venv=$("$SCRIPTS/venv.sh")
  mkdir -p "$folder"
  for _ in 1 2 3; do
    port=$(free_port)
    endpoint=http://127.0.0.1:$port
    setsid "$venv/bin/moto_server" -H 127.0.0.1 -p "$port" </dev/null >"$folder/server.log" 2>&1 &
    echo $! >"$folder/pid"
    if wait_for 30 curl -fsS -X PUT "$endpoint/$bucket"; then
      echo "s3://$bucket?endpoint=$endpoint&region=us-east-1"
      return 0
    fi
    stop "$folder"
  done
  cat "$folder/server.log" >&2
  die "the S3 test server did not start"
}

stop() {
  [ -f "$1/pid" ] || return 0
  stop_pid "$(cat "$1/pid")"
  rm -f "$1/pid"
}

[ $# -eq 2 ] || die "usage: s3.sh start|stop FOLDER"
case $1 in
  start) start "$2" ;;
  stop) stop "$2" ;;
  *) die "usage: s3.sh start|stop FOLDER" ;;
esac
