#!/usr/bin/env bash
# Walks the whole OpenAPI of a throw-away server with made-up input, good and bad (schemathesis). Fails on any 5xx, on
# answers that the OpenAPI does not describe, and on bad input that was accepted. Three minutes at most.
. "$(dirname "$0")/lib.sh"
. "$SCRIPTS/server.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/socle-schemathesis.XXXXXX")
finish() {
  local status=$?
  trap - EXIT INT TERM
  socle_stop
  if [ "$status" -ne 0 ] && [ -f "$work/data.log" ]; then
    note "the server's last lines:"
    tail -n 20 "$work/data.log" >&2
  fi
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

venv=$("$SCRIPTS/venv.sh")
socle_start "$work/data"
# Both now: the runs will try made-up log-ins until the limit for this address is reached.
tokens=("$(socle_token)" "$(socle_token)")

# Not checked: positive_data_acceptance. It asks that whatever fits the schema is accepted, but a polygon that crosses
# itself, an address that nobody answers on or a file that is no model fits its schema and is rightly refused.
#
# Two runs, because some operations would spoil the rest: signing out ends the very session that the run uses, and a
# live picture has no end, so it must be asked for only where there is no camera (no stateful phase there). `/login` is in
# neither: it is a page as well as its form, and the page is rightly not in the OpenAPI.
apart='/logout|/auth/(session|sessions|password)|/video_feed/|/live\.mjpeg'

run() {
  local seconds=$1 phases=$2 token=$3
  shift 3
  (cd "$work" && "$venv/bin/schemathesis" --no-color run "$SOCLE_URL/openapi.json" \
    --header "Authorization: Bearer $token" \
    --checks all --exclude-checks positive_data_acceptance \
    --phases "$phases" --max-time "$seconds" --max-examples 30 --continue-on-failure \
    --request-timeout 10 --generation-database none "$@")
}

failed=0
run 130 examples,coverage,fuzzing,stateful "${tokens[0]}" --exclude-path-regex "$apart|^/login\$" || failed=1
run 30 examples,coverage,fuzzing "${tokens[1]}" --include-path-regex "$apart" || failed=1
kill -0 "$SOCLE_PID" 2>/dev/null || die "the server ended during the run"
[ "$failed" -eq 0 ]
