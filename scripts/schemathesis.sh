#!/usr/bin/env bash
# Walks the whole OpenAPI of a throw-away server with made-up input, good and bad (schemathesis). Fails on any 5xx, on
# answers that the OpenAPI does not describe, on bad input that was accepted, on a caller who was not asked for, and on one
# workspace that reads what another made. Five minutes at most; `scripts/schemathesis.sh 4` looks four times as long.
. "$(dirname "$0")/lib.sh"
. "$SCRIPTS/server.sh"

times=${1:-1}
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
# All now: the runs will try made-up log-ins until the limit for this address is reached.
tokens=("$(socle_token)" "$(socle_token)")
peers=("$(socle_token_of here)" "$(socle_token_of elsewhere)")

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
    --phases "$phases" --max-time $((seconds * times)) --max-examples $((30 * times)) --continue-on-failure \
    --request-timeout 10 --generation-database none --warnings off "$@")
}

# Two administrators, each of a workspace of their own, by turns: neither may read what the other made. The first run cannot
# tell, since it knows one caller only. Neither is of the installation's first workspace: who looks after all of them may see
# each.
cat >"$work/peers.yaml" <<YAML
auth:
  - name: here
    fixedHeaders: [{name: Authorization, value: "Bearer ${peers[0]}"}]
  - name: elsewhere
    fixedHeaders: [{name: Authorization, value: "Bearer ${peers[1]}"}]
YAML

as_peer() {
  printf '[auth.wfc]\npath = "%s/peers.yaml"\nuser = "%s"\npeers = ["here", "elsewhere"]\n' "$work" "$1" >"$work/$1.toml"
  (cd "$work" && "$venv/bin/schemathesis" --no-color --config-file "$work/$1.toml" run "$SOCLE_URL/openapi.json" \
    --checks object_level_authorization,use_after_free,ignored_auth,ensure_resource_availability \
    --phases examples,coverage,fuzzing,stateful --max-time $((40 * times)) --max-examples $((20 * times)) \
    --continue-on-failure --request-timeout 10 --generation-database none --warnings off --exclude-path-regex "$apart|^/login\$")
}

failed=0
run 130 examples,coverage,fuzzing,stateful "${tokens[0]}" --exclude-path-regex "$apart|^/login\$" || failed=1
run 30 examples,coverage,fuzzing "${tokens[1]}" --include-path-regex "$apart" || failed=1
as_peer here || failed=1
as_peer elsewhere || failed=1
kill -0 "$SOCLE_PID" 2>/dev/null || die "the server ended during the run"
[ "$failed" -eq 0 ]
