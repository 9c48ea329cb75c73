#!/usr/bin/env bash
# console.sh deps | build: the console's npm packages, and its files in console/dist that go into the binary.
# Does nothing when they are there and newer than what they are made from.
. "$(dirname "$0")/lib.sh"

deps() {
  local stamp=console/node_modules/.socle-lock
  need_node
  cmp -s console/package-lock.json "$stamp" && return 0
  say "npm ci"
  (cd console && npm ci --no-audit --no-fund </dev/null >&2)
  cp console/package-lock.json "$stamp"
}

build() {
  local built=console/dist/index.html
  if [ -f "$built" ] && [ -z "$(find console -newer "$built" -type f \
    -not -path 'console/node_modules/*' -not -path 'console/dist/*' -not -path 'console/e2e/*' -print -quit)" ]; then
    return 0
  fi
  deps
  say "building the console"
  (cd console && npm run --silent build </dev/null >&2)
  touch "$built"
}

case ${1:-build} in
  deps) deps ;;
  build) build ;;
  *) die "usage: console.sh deps|build" ;;
esac
