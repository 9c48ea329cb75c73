#!/usr/bin/env bash
# Readers and clients that are not ours against a real server: PyJWT, Authlib and jose verify what it signs by its public keys
# alone, for every algorithm; Authlib and openid-client let themselves in by code, device code, client credentials and
# registration, refresh, ask, revoke; the command line signs in by device code.
. "$(dirname "$0")/lib.sh"
. "$SCRIPTS/server.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/socle-oauth.XXXXXX")
login=
finish() {
  local status=$?
  trap - EXIT INT TERM
  [ -z "$login" ] || kill "$login" 2>/dev/null || true
  socle_stop
  [ "$status" -eq 0 ] || tail -n 20 "$work/data.log" >&2 || true
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Authlib says at each start that its JOSE part moves to joserfc.
export PYTHONWARNINGS=ignore
venv=$("$SCRIPTS/venv.sh" scripts/oauth/requirements.txt)
"$SCRIPTS/console.sh" deps
node() { (cd console && command node "../scripts/oauth/$1" "${@:2}"); }

# The same installation, as an administrator changes its algorithm: HS256 tokens are for Socle's own nodes alone.
older=
for algorithm in RS256 ES256 EdDSA; do
  export SOCLE_IDENTITY__SIGNING=$algorithm SOCLE_IDENTITY__ISSUER=
  socle_start "$work/data"
  token=$(socle_token)
  "$venv/bin/python" scripts/oauth/verify.py "$SOCLE_URL" "$token" "$algorithm"
  node verify.mjs "$SOCLE_URL" "$token" "$algorithm"
  older=$token
  [ "$algorithm" = EdDSA ] || socle_stop
done
[ -n "$older" ]
export SOCLE_TEST_PASSWORD=$ADMIN_PASSWORD SOCLE_TEST_EMAIL=$ADMIN_EMAIL
"$venv/bin/python" scripts/oauth/client.py "$SOCLE_URL" "$token"
node client.mjs "$SOCLE_URL" "$token"

# The command line, with a home of its own.
export XDG_CONFIG_HOME=$work/config
"$SOCLE_BIN" login --url "$SOCLE_URL" >"$work/login.out" 2>"$work/login.err" &
login=$!
shown() { grep -q 'type the code' "$work/login.err"; }
wait_for 20 shown || die "socle login showed no code"
code=$(sed -n 's/.*type the code \([A-Z-]*\).*/\1/p' "$work/login.err")
curl -fsS "$SOCLE_URL/api/v1/oauth/device/approve" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
  -d "{\"user_code\": \"$code\"}"
wait "$login"
login=
grep -qF "$ADMIN_EMAIL" "$work/login.out" || die "socle login did not say who signed in"
[ "$(stat -c %a "$XDG_CONFIG_HOME/socle/credentials.json")" = 600 ] || die "others can read the credentials"
"$SOCLE_BIN" whoami --json | grep -qF "$ADMIN_EMAIL" || die "socle whoami does not know"
"$SOCLE_BIN" api GET /api/v1/users | grep -qF "$ADMIN_EMAIL" || die "socle api does not answer"
if "$SOCLE_BIN" api GET /api/v1/nothing >/dev/null 2>&1; then die "socle api must fail where the request does"; fi
# As if the access token had ended: it is refreshed.
sed -i 's/"expires_at": [0-9]*/"expires_at": 1/' "$XDG_CONFIG_HOME/socle/credentials.json"
"$SOCLE_BIN" whoami >/dev/null || die "socle whoami did not refresh"
grep -q '"expires_at": 1,\?$' "$XDG_CONFIG_HOME/socle/credentials.json" && die "the refreshed token was not kept"
"$SOCLE_BIN" logout >/dev/null
if "$SOCLE_BIN" whoami >/dev/null 2>&1; then die "socle logout left somebody signed in"; fi
say "PyJWT, Authlib, jose, openid-client and socle login agree"
