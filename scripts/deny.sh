#!/usr/bin/env bash
# Licences, advisories, bans and sources (deny.toml), and dependencies that nothing uses.
. "$(dirname "$0")/lib.sh"
. "$SCRIPTS/steps.sh"
trap end_step EXIT
trap 'exit 130' INT TERM

have cargo-deny || die "cargo-deny is missing: cargo install --locked cargo-deny"
step "cargo deny" cargo deny check
if have cargo-machete; then
  step "cargo machete" cargo machete
else
  note "cargo-machete is missing (cargo install --locked cargo-machete): unused dependencies were not looked for"
fi
report
