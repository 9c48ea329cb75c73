#!/usr/bin/env bash
# all.sh [vision] [api] [ws] [nodes] [jobs] [limits] [cache] [identity] [ml] [cold-start]: the measured claims, each beside its peer;
# without arguments all but nodes.
# Prints Markdown to copy into docs/benchmarks.md. Run it on a machine that does nothing else.
. "$(dirname "$0")/../scripts/lib.sh"

declare -A scripts=([vision]=bench/vision/run.sh [api]=bench/api/run.sh [ws]=bench/ws/run.sh [nodes]=bench/ws/nodes.sh
  [cold-start]=bench/cold-start.sh [jobs]=bench/jobs/run.sh [limits]=bench/limits/run.sh
  [cache]=bench/cache/run.sh [identity]=bench/identity/run.sh [ml]=bench/ml/run.sh)
export SOCLE_BIN=${SOCLE_BIN:-$TARGET/release/socle}
[ -x "$SOCLE_BIN" ] || make build >&2

[ $# -gt 0 ] || set -- cold-start api identity ml ws jobs limits cache vision
failed=0
for name in "$@"; do
  [ -n "${scripts[$name]:-}" ] || die "no such bench: $name (there are: ${!scripts[*]})"
  say "$name"
  "${scripts[$name]}" || failed=1
done
exit $failed
