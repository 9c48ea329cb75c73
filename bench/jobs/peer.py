"""The same two jobs in Celery over Redis: one that does nothing, one that writes a row.

peer.py measure WHAT     fills the queue, starts `celery worker`, and prints figures as JSON lines
PEER_REDIS               URL of the broker and of the results
PEER_DATABASE            a SQLite file, or a postgresql:// URL, for the rows
PEER_SAFE=1              acknowledge a task when it has ended (acks_late), not when it is fetched: what a kill must not lose
TASKS, SINGLES, SLOTS    as for the other side
"""

import json
import os
import subprocess
import sys
import time

from celery import Celery

REDIS = os.environ["PEER_REDIS"]
DATABASE = os.environ["PEER_DATABASE"]
SAFE = os.environ.get("PEER_SAFE") == "1"
TASKS = int(os.environ.get("TASKS", 10_000))
SINGLES = int(os.environ.get("SINGLES", 500))
SLOTS = int(os.environ.get("SLOTS", 8))
NAME = "celery, acks_late" if SAFE else "celery"

app = Celery("peer", broker=REDIS, backend=REDIS)
app.conf.update(task_acks_late=SAFE, task_reject_on_worker_lost=SAFE, worker_hijack_root_logger=False)

connection = None


def database():
    """One connection for each process of the pool."""
    global connection
    if connection is None:
        if DATABASE.startswith("postgres"):
            import psycopg

            connection = psycopg.connect(DATABASE, autocommit=True)
        else:
            import sqlite3

            connection = sqlite3.connect(DATABASE, timeout=30, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
    return connection


@app.task(name="bench.nothing")
def nothing(asked_at):
    return time.time() - asked_at


@app.task(name="bench.row")
def row(n):
    place = "%s" if DATABASE.startswith("postgres") else "?"
    database().execute(f"INSERT INTO peer_ledger (n) VALUES ({place})", (n,))


def worker():
    program = [sys.executable, "-m", "celery", "-A", "peer", "worker", "-c", str(SLOTS), "-l", "ERROR"]
    program += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stop(process):
    process.terminate()
    process.wait(30)


def run_all(task):
    """Tasks a second, from the first that is fetched until none is in line or in hand."""
    import redis

    broker = redis.Redis.from_url(REDIS)
    broker.flushdb()
    start = time.perf_counter()
    with app.producer_pool.acquire(block=True) as producer:
        for n in range(TASKS):
            task.apply_async((n,), producer=producer)
    enqueued = TASKS / (time.perf_counter() - start)
    process = worker()
    while broker.llen("celery") >= TASKS:
        time.sleep(0.001)
    start = time.perf_counter()
    while broker.llen("celery") or broker.hlen("unacked"):
        time.sleep(0.01)
    took = time.perf_counter() - start
    stop(process)
    return enqueued, TASKS / took


def singles():
    import redis

    redis.Redis.from_url(REDIS).flushdb()
    process = worker()
    nothing.delay(time.time()).get(timeout=60)
    results = []
    for _ in range(SINGLES + 50):
        time.sleep(0.01)
        results.append(nothing.delay(time.time()))
    waits = sorted(result.get(timeout=60) * 1e3 for result in results[50:])
    stop(process)
    return waits


def tell(**figures):
    print(json.dumps({"engine": NAME, **figures}), flush=True)


def measure(database_name):
    database().execute("DROP TABLE IF EXISTS peer_ledger")
    database().execute("CREATE TABLE peer_ledger (n BIGINT NOT NULL)")
    if database_name == "sqlite":
        enqueued, per_s = run_all(nothing)
        tell(what="enqueue, one at a time", per_s=round(enqueued))
        tell(what="nothing", per_s=round(per_s))
        waits = singles()
        at = lambda share: waits[(len(waits) - 1) * share // 100]
        tell(what="start delay", p50_ms=at(50), p99_ms=at(99), max_ms=at(100))
    _, per_s = run_all(row)
    tell(what=f"row, {database_name}", per_s=round(per_s))
    written = database().execute("SELECT COUNT(*) FROM peer_ledger").fetchone()[0]
    assert written == TASKS, f"{written} rows of {TASKS}"


if __name__ == "__main__":
    measure(sys.argv[2])
