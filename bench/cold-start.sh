#!/usr/bin/env bash
# Milliseconds from starting the binary on an empty data folder to the first 200 of /health, and the resident memory after
# five idle seconds. SOCLE_BIN names the release binary; RUNS the repetitions (10).
. "$(dirname "$0")/../scripts/lib.sh"
. bench/machine.sh

socle=${SOCLE_BIN:-$TARGET/release/socle}
[ -x "$socle" ] || die "no $socle: make build, or set SOCLE_BIN"
machine
python3 bench/cold_start.py "$socle" "${RUNS:-10}"
