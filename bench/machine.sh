# shellcheck shell=bash
# What every table of figures says first: where, with what and of which sources it was measured.
machine() {
  local processor kernel commit
  processor=$(grep -m 1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs)
  kernel=$(uname -r)
  commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
  [ -z "$(git status --porcelain --untracked-files=no 2>/dev/null)" ] || commit="$commit with changes"
  echo "$(nproc) × ${processor:-unknown processor}, $(free -g | awk '/^Mem/ {print $2}') GiB, Linux $kernel; commit $commit; load before: $(cut -d' ' -f1 /proc/loadavg)"
}
