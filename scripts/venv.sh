#!/usr/bin/env bash
# venv.sh REQUIREMENTS: a Python environment with these requirements, in the cache folder. Prints its path.
# One folder per content of the file, so a changed requirement makes a new one and an unchanged one costs nothing.
. "$(dirname "$0")/lib.sh"

requirements=$(realpath "${1:-$SCRIPTS/requirements-test.txt}")
[ -f "$requirements" ] || die "no such file: $requirements"
name=$(basename "$(dirname "$requirements")")
digest=$( (cat "$requirements" && python3 --version) | sha256sum | cut -c1-12)
venv=$CACHE/venv-$name-$digest

if [ ! -e "$venv/.complete" ]; then
  python3 -c 'import venv, ensurepip' 2>/dev/null || need_packages python3-venv || die "python3-venv is missing"
  say "Python environment $venv"
  mkdir -p "$CACHE"
  exec 9>"$venv.lock"
  flock 9
  if [ ! -e "$venv/.complete" ]; then
    python3 -m venv --clear "$venv" >&2
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements" >&2
    touch "$venv/.complete"
  fi
fi
echo "$venv"
