#!/usr/bin/env bash
# What can be said of the sources without running them. Runs all checks, then fails if one did.
. "$(dirname "$0")/lib.sh"
. "$SCRIPTS/steps.sh"
trap end_step EXIT
trap 'exit 130' INT TERM

need_rust
scripts/console.sh build # its files are part of the server
locked=()
[ "${CI:-}" != true ] || locked=(--locked)

console() { (cd console && npm run --silent "$1"); }
shell() {
  if have shellcheck; then
    git ls-files -co --exclude-standard -- '*.sh' .ci/run | xargs -r shellcheck --external-sources --source-path=SCRIPTDIR
  else
    note "shellcheck is not installed: the scripts were not checked"
  fi
}

step "cargo fmt" cargo fmt --all --check
step "clippy" cargo clippy --workspace --all-targets "${locked[@]}" -- -D warnings
step "xtask tidy" cargo run --quiet --package xtask -- tidy
step "console: lint" console lint
step "console: types" console typecheck
step "shellcheck" shell
report
