#!/usr/bin/env python3
"""Job libraries under a `kill -9` loop: one JSON line per run.

    cargo build && ./trial.py river|apalis|socle sqlite|pg JOBS WORK_MS calm|loop|once LIMIT_S

Two worker processes of ten slots each. A job notes its start in a file, works for WORK_MS on average, and writes its
effect as a row of a ledger, in the transaction that completes it where the library can do that. `loop` kills one of the
two at random every 1 to 3 s and starts another; `once` does so a single time. Reported: lost = jobs without a row,
doubled = jobs with several, rerun = seconds from a kill to the next start of a job that it hit.
PostgreSQL: TRIAL_POSTGRES_URL, a server on which databases may be created. Binaries: BIN_DIR, by default target/debug.
"""
import json, os, random, signal, sqlite3, subprocess, sys, tempfile, time

lib, engine, jobs, work_ms, mode, limit = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5], float(sys.argv[6])
here = os.path.dirname(os.path.abspath(__file__))
program = os.path.join(os.environ.get("BIN_DIR", here + "/target/debug"), "trial-" + lib)
folder = tempfile.mkdtemp(prefix="jobs-trial-")
starts_file = folder + "/starts"
if engine == "pg":
    server = os.environ["TRIAL_POSTGRES_URL"].rstrip("/")
    name = f"trial_{lib}_{int(time.time() * 1000)}"
    subprocess.run(["psql", server + "/postgres", "-qc", f"CREATE DATABASE {name}"], check=True)
    url = f"{server}/{name}"
else:
    url = f"sqlite://{folder}/queue.db"
env = dict(os.environ, START_LOG=starts_file, WORK_MS=work_ms)


def query(sql):
    if engine == "pg":
        out = subprocess.run(["psql", url, "-qAtc", sql], capture_output=True, text=True, check=True).stdout
        return [tuple(int(value) for value in line.split("|")) for line in out.split()]
    with sqlite3.connect(folder + "/queue.db", timeout=30) as connection:
        return connection.execute(sql).fetchall()


subprocess.run([program, url, "setup"], env=env, check=True)
enqueued = subprocess.run([program, url, "enqueue", str(jobs)], env=env, check=True, capture_output=True, text=True)
random.seed(7)
errors = open(folder + "/errors", "w")


def start():
    return subprocess.Popen([program, url, "work"], env=env, stdout=errors, stderr=errors)


workers = [start(), start()]
begun, kills, died, done = time.time(), {}, 0, 0
next_kill = begun + (random.uniform(1, 3) if mode != "calm" else float("inf"))
while done < jobs and time.time() - begun < limit:
    time.sleep(0.1)
    for i, worker in enumerate(workers):
        if worker.poll() is not None:
            died += 1
            workers[i] = start()
    if time.time() >= next_kill:
        i = random.randrange(2)
        kills[workers[i].pid] = time.time()
        os.kill(workers[i].pid, signal.SIGKILL)
        workers[i].wait()
        workers[i] = start()
        next_kill = time.time() + random.uniform(1, 3) if mode == "loop" else float("inf")
    done = query("SELECT COUNT(DISTINCT job) FROM ledger")[0][0]
wall = time.time() - begun
for worker in workers:
    worker.kill()
    worker.wait()
rows = query("SELECT job, COUNT(*) FROM ledger GROUP BY job")
starts = {}
for line in open(starts_file):
    job, pid, at = line.split()
    starts.setdefault(int(job), []).append((float(at), int(pid)))
gaps = []
for of_job in starts.values():
    of_job.sort()
    gaps += [after[0] - kills[before[1]] for before, after in zip(of_job, of_job[1:]) if before[1] in kills]
gaps.sort()
print(json.dumps({
    "lib": lib, "engine": engine, "jobs": jobs, "work_ms": work_ms, "mode": mode, "kills": len(kills), "died_by_themselves": died,
    "enqueue": enqueued.stdout.strip(), "wall_s": round(wall, 1), "lost": jobs - len(rows), "doubled": sum(n > 1 for _, n in rows),
    "jobs_per_s": round(done / wall), "started_again": sum(len(s) > 1 for s in starts.values()),
    "rerun_p50_s": gaps and round(gaps[len(gaps) // 2], 1), "rerun_max_s": gaps and round(gaps[-1], 1), "folder": folder,
}))
if engine == "pg":
    subprocess.run(["psql", server + "/postgres", "-qc", f"DROP DATABASE {name} WITH (FORCE)"], check=True)
