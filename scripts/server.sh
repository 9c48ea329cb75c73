# shellcheck shell=bash
# A throw-away Socle for scripts that talk to it over HTTP. Source it after lib.sh.
#   socle_start FOLDER   starts $SOCLE_BIN with its data there, on a free port; sets SOCLE_URL and SOCLE_PID. CORES: where
#                        it may run, as taskset says it
#   socle_token          an administrator's access token (makes the account the first time)
#   socle_token_of NAME  the same of an administrator of a new workspace of that name
#   socle_stop           ends it
SOCLE_BIN=${SOCLE_BIN:-$TARGET/debug/socle}
SOCLE_PID=
SOCLE_URL=
ADMIN_EMAIL=admin@example.com
ADMIN_PASSWORD=correct-horse-battery-staple

socle_start() {
  [ -x "$SOCLE_BIN" ] || die "no such program: $SOCLE_BIN (build it, or set SOCLE_BIN)"
  export SOCLE_DATA=$1
  mkdir -p "$SOCLE_DATA"
  SOCLE_LISTEN=127.0.0.1:$(free_port)
  export SOCLE_LISTEN
  SOCLE_URL=http://$SOCLE_LISTEN
  ${CORES:+taskset -c "$CORES"} "$SOCLE_BIN" serve </dev/null >"$SOCLE_DATA.log" 2>&1 &
  SOCLE_PID=$!
  local end=$((SECONDS + 30))
  until curl -fsS "$SOCLE_URL/health" >/dev/null 2>&1; do
    if ! kill -0 "$SOCLE_PID" 2>/dev/null || [ "$SECONDS" -ge "$end" ]; then
      tail -n 50 "$SOCLE_DATA.log" >&2
      die "the server did not come up"
    fi
    sleep 0.1
  done
}

socle_token() {
  if ! "$SOCLE_BIN" user list 2>/dev/null | grep -qF "$ADMIN_EMAIL"; then
    printf '%s\n' "$ADMIN_PASSWORD" | "$SOCLE_BIN" user create --email "$ADMIN_EMAIL" --role admin --password-stdin >&2
  fi
  curl -fsS "$SOCLE_URL/api/v1/auth/login" -H 'Content-Type: application/json' \
    -d "{\"email\":\"$ADMIN_EMAIL\",\"password\":\"$ADMIN_PASSWORD\"}" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])'
}

socle_token_of() {
  local there email=$1@example.com
  there=$(socle_json POST /api/v1/workspaces "$(socle_token)" "{\"name\":\"$1\"}" id)
  there=$(socle_json POST /api/v1/auth/workspace "$(socle_token)" "{\"workspace_id\":\"$there\"}" access_token)
  socle_json POST /api/v1/users "$there" "{\"email\":\"$email\",\"password\":\"$ADMIN_PASSWORD\",\"role\":\"admin\"}" id >/dev/null
  socle_json POST /api/v1/auth/login '' "{\"email\":\"$email\",\"password\":\"$ADMIN_PASSWORD\"}" access_token
}

# METHOD PATH TOKEN BODY FIELD: one field of the answer.
socle_json() {
  local auth=()
  [ -z "$3" ] || auth=(-H "Authorization: Bearer $3")
  curl -fsS -X "$1" "$SOCLE_URL$2" "${auth[@]}" -H 'Content-Type: application/json' -d "$4" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$5"
}

socle_stop() {
  [ -z "$SOCLE_PID" ] || stop_pid "$SOCLE_PID"
  SOCLE_PID=
}
