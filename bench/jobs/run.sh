#!/usr/bin/env bash
# Jobs per second and start delay: Socle's worker on SQLite and on PostgreSQL beside Celery on Redis, 8 slots each, the same two
# jobs: one that does nothing, one that writes a row. PROFILE=dev takes a debug build; TASKS (10000), SINGLES (500), SLOTS (8).
. "$(dirname "$0")/../../scripts/lib.sh"
. bench/machine.sh

work=$(mktemp -d "${TMPDIR:-/tmp}/socle-bench-jobs.XXXXXX")
chmod 755 "$work" # PostgreSQL's own user must be able to reach its folder in here
finish() {
  scripts/postgres.sh stop "$work/postgres" >/dev/null 2>&1 || true
  scripts/redis.sh stop "$work/redis" >/dev/null 2>&1 || true
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

need_rust
venv=$("$SCRIPTS/venv.sh" bench/jobs/requirements.txt)
postgres=$(scripts/postgres.sh start "$work/postgres")
redis=$(scripts/redis.sh start "$work/redis")
export TASKS=${TASKS:-10000} SINGLES=${SINGLES:-500} SLOTS=${SLOTS:-8}

# Built apart, so that no compiler runs beside the measurement.
cargo bench --quiet --profile "${PROFILE:-release}" -p jobs --bench load --no-run >&2

machine
SOCLE_BENCH_POSTGRES_URL=$postgres cargo bench --quiet --profile "${PROFILE:-release}" -p jobs --bench load >"$work/figures"
for safe in 0 1; do
  for database in sqlite "$postgres"; do
    name=${database%%:*}
    [ "$name" != sqlite ] || database=$work/peer.db
    [ "$name" = sqlite ] || name=postgresql
    (cd bench/jobs && PEER_REDIS=$redis PEER_DATABASE=$database PEER_SAFE=$safe "$venv/bin/python" peer.py measure "$name") >>"$work/figures"
  done
done

python3 - "$work/figures" <<'PY'
import json, sys
found = {}
for line in open(sys.argv[1]):
    row = json.loads(line)
    found.setdefault(row["engine"], {})[row["what"]] = row
rate = lambda side, what: found[side].get(what, {}).get("per_s")
print("\n| | jobs/s: nothing | jobs/s: one row, SQLite | jobs/s: one row, PostgreSQL | start p50 ms | p99 ms | max ms |\n|---|---|---|---|---|---|---|")
for side, what in found.items():
    delay = what["start delay"]
    rows = [rate(side, "row") if side == name else rate(side, f"row, {name}") for name in ("sqlite", "postgresql")]
    cells = [rate(side, "nothing"), *("" if cell is None else cell for cell in rows)]
    cells += [f"{delay[key]:.1f}" for key in ("p50_ms", "p99_ms", "max_ms")]
    label = side if side.startswith("celery") else f"socle, {side}"
    print(f"| {label} |", " | ".join(str(cell) for cell in cells), "|")
for name in ("sqlite", "postgresql"):
    for peer in ("celery", "celery, acks_late"):
        ratios = (rate(name, "nothing") / rate(peer, "nothing"), rate(name, "row") / rate(peer, f"row, {name}"))
        print(f"\nsocle on {name} to {peer}: {ratios[0]:.1f} x doing nothing, {ratios[1]:.1f} x writing a row")
PY
