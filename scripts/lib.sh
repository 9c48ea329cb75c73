# shellcheck shell=bash disable=SC2034
# What the scripts here share. Source it: `. "$(dirname "$0")/lib.sh"`. It leaves the caller in the repository's root.
set -euo pipefail

SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$SCRIPTS")
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/socle
TARGET=$(realpath -m "${CARGO_TARGET_DIR:-$ROOT/target}")
cd "$ROOT"

say() { printf '\n==> %s\n' "$*" >&2; }
note() { printf '    %s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# need_packages PACKAGE…: Debian packages that must be there. Installs the missing ones as root, or through sudo;
# where neither works, says what to install and answers 1, so that the caller decides whether to go on.
need_packages() {
  local missing=() package
  if ! have dpkg-query || ! have apt-get; then
    note "not a Debian system: please see to it that these are installed: $*"
    return 1
  fi
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0

  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if have sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
      as_root=(sudo)
    else
      note "missing packages; install them with: sudo apt-get install ${missing[*]}"
      return 1
    fi
  fi
  say "installing ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=900)
  "${apt[@]}" update </dev/null >&2 || note "could not refresh the package lists; trying with those at hand"
  if ! "${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null >&2; then
    note "could not install: ${missing[*]}"
    return 1
  fi
}

need_rust() {
  have cargo || die "Rust is missing (1.95 or later): install it from https://rustup.rs, then call this again"
  have cc || need_packages build-essential || die "a C compiler is missing (SQLite and TLS need one)"
}

need_node() {
  local major
  have npm || need_packages nodejs npm || die "Node.js 20 or later is missing"
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 20 ] || die "Node.js 20 or later is needed, this is $(node --version): see https://nodejs.org"
}

# A TCP port of the loopback interface that nobody listens on at the moment of asking.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_for SECONDS COMMAND…: until the command succeeds; 1 when the time is up.
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}

# stop_pid PID: end a process that we started, politely for 10 s.
stop_pid() {
  kill -TERM "$1" 2>/dev/null || return 0
  wait_for 10 bash -c "! kill -0 $1" || kill -KILL "$1" 2>/dev/null || true
}
