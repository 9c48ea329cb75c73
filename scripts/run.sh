#!/usr/bin/env bash
# Builds Socle and starts it with everything embedded: SQLite and files in ./data, no other server.
# Arguments go to `socle serve`; SOCLE_LISTEN and SOCLE_DATA work as they do there.
. "$(dirname "$0")/lib.sh"

need_rust
have ffmpeg || need_packages ffmpeg || note "without ffmpeg no camera can be read; everything else works"
scripts/console.sh build
say "building the server (some minutes the first time)"
cargo build --package server

export SOCLE_LISTEN=${SOCLE_LISTEN:-127.0.0.1:8000} SOCLE_DATA=${SOCLE_DATA:-$ROOT/data}
say "Socle on http://$SOCLE_LISTEN, its data in $SOCLE_DATA; Ctrl-C ends it"
exec "$TARGET/debug/socle" serve "$@"
