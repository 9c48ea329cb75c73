#!/usr/bin/env bash
# Server and console for people who change them. The console reloads by itself (Vite, on port 5173, which passes API
# calls on to the server); the server is built again and restarted when a Rust, SQL or TOML file changes.
. "$(dirname "$0")/lib.sh"

need_rust
have ffmpeg || need_packages ffmpeg || note "without ffmpeg no camera can be read"
scripts/console.sh deps
mkdir -p console/dist

export SOCLE_LISTEN=${SOCLE_LISTEN:-127.0.0.1:8000} SOCLE_DATA=${SOCLE_DATA:-$ROOT/data}
stamp=$(mktemp)
server=
vite=
finish() {
  trap - EXIT INT TERM
  [ -z "$server" ] || stop_pid "$server"
  [ -z "$vite" ] || stop_pid "$vite"
  rm -f "$stamp"
}
trap finish EXIT
trap 'exit 130' INT TERM

changed() {
  [ -n "$(find Cargo.toml server crates engines apps xtask -newer "$stamp" -type f \
    \( -name '*.rs' -o -name '*.sql' -o -name '*.toml' \) -print -quit)" ]
}

(cd console && SOCLE_DEV_SERVER=http://$SOCLE_LISTEN exec node_modules/.bin/vite) &
vite=$!
touch -d '1970-01-01' "$stamp"
while true; do
  if changed; then
    touch "$stamp"
    if cargo build --package server; then
      [ -z "$server" ] || stop_pid "$server"
      "$TARGET/debug/socle" serve &
      server=$!
    else
      note "the build failed; the running server stays as it was"
    fi
  fi
  kill -0 "$vite" 2>/dev/null || die "the console's dev server ended"
  sleep 1
done
