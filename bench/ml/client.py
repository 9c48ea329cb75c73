"""The figures of run.sh, which calls this. Standard library only, so that it costs the servers as little as it can.

`client.py both SOCLE_URL SOCLE_PID GENUINE_URL GENUINE_PID` and `client.py cold SOCLE PYTHON FOLDER ROUNDS`.
"""

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

HERE = os.path.dirname(os.path.abspath(__file__))
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
ROUNDS, SECONDS = int(os.environ.get("ROUNDS", 3)), int(os.environ.get("SECONDS_EACH", 5))
SEARCHED, LARGE = int(os.environ.get("SEARCHED", 10_000)), int(os.environ.get("LARGE", 100_000))
API = "/api/2.0/mlflow/"
FILE = os.urandom(1 << 20) * 16


class Server:
    def __init__(self, name, url, pid, key=None):
        self.name, self.url, self.pid = name, url, int(pid)
        self.host = urlsplit(url).netloc
        self.headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self.local = threading.local()

    def call(self, method, path, body=None, raw=None):
        """Over a connection that is kept; the answer's bytes."""
        link, used = getattr(self.local, "link", (None, 0))
        # One that nobody used for a while is closed by the other side.
        if link is None or time.monotonic() - used > 2:
            link = http.client.HTTPConnection(self.host, timeout=300)
        link.request(method, path, raw if raw is not None else body and json.dumps(body), self.headers)
        answer = link.getresponse()
        content = answer.read()
        self.local.link = (link, time.monotonic())
        if answer.status != 200:
            sys.exit(f"{self.name}: {method} {path}: {answer.status} {content[:300]}")
        return content

    def post(self, path, **body):
        return json.loads(self.call("POST", API + path, body))

    def family(self):
        """The process and all its descendants."""
        parents = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as stat:
                    parents.setdefault(int(stat.read().rpartition(")")[2].split()[1]), []).append(int(pid))
            except OSError:
                pass
        found = [self.pid]
        for pid in found:
            found.extend(parents.get(pid, []))
        return found

    def cpu_s(self):
        total = 0
        for pid in self.family():
            try:
                with open(f"/proc/{pid}/stat") as stat:
                    fields = stat.read().rpartition(")")[2].split()
                    total += int(fields[11]) + int(fields[12])
            except OSError:
                pass
        return total * TICK_S

    def resident_mb(self):
        total = 0
        for pid in self.family():
            try:
                with open(f"/proc/{pid}/status") as status:
                    total += next((int(line.split()[1]) for line in status if line.startswith("VmRSS:")), 0)
            except OSError:
                pass
        return total / 1024

    def wrk(self, kind, connections, path="/", seconds=SECONDS, **environment):
        """(calls/s, CPU ms per call, p50, p95, p99 in ms), over a longer time where that one ends without an answer"""
        arguments = ["wrk", "-t", str(connections), "-c", str(connections), "-d", f"{seconds}s", "--timeout", "60s", "-s", f"{HERE}/load.lua"]
        for name, value in self.headers.items():
            arguments += ["-H", f"{name}: {value}"]
        before = self.cpu_s()
        run = subprocess.run(arguments + [self.url + path], env=os.environ | {"KIND": kind, **environment}, capture_output=True, text=True)
        used = self.cpu_s() - before
        result = next((line.split()[1:] for line in run.stdout.splitlines() if line.startswith("RESULT")), None)
        if run.returncode == 0 and result and not int(result[0]) and seconds < 60:
            return self.wrk(kind, connections, path, seconds * 3, **environment)
        if run.returncode or result is None or int(result[5]) or not int(result[0]):
            sys.exit(f"{self.name}: {kind}: not every call was answered well\n{run.stdout}\n{run.stderr}")
        calls, seconds = int(result[0]), float(result[1])
        return calls / seconds, used * 1000 / max(calls, 1), *map(float, result[2:5])

    def asked(self, method, path, body=None):
        """The same of one client, one call after the other, five at least: what takes seconds there takes milliseconds here."""
        self.call(method, path, raw=body)
        cpu, waits = self.cpu_s(), []
        began = time.perf_counter()
        while len(waits) < 5 or time.perf_counter() - began < SECONDS:
            start = time.perf_counter()
            self.call(method, path, raw=body)
            waits.append((time.perf_counter() - start) * 1000)
        used = (self.cpu_s() - cpu) * 1000 / len(waits)
        rank = lambda part: sorted(waits)[min(int(len(waits) * part), len(waits) - 1)]
        return len(waits) / sum(waits) * 1000, used, rank(0.5), rank(0.95), rank(0.99)

    def timed(self, work):
        """(seconds, CPU s)"""
        cpu, began = self.cpu_s(), time.perf_counter()
        work()
        return time.perf_counter() - began, self.cpu_s() - cpu

    def fill(self, experiment, count, threads=4):
        """So many runs, each with metrics, params and tags."""
        def some(first):
            for at in range(first, count, threads):
                run = self.post("runs/create", experiment_id=experiment, start_time=1_700_000_000_000 + at, run_name=f"run-{at}")
                self.post(
                    "runs/log-batch", run_id=run["run"]["info"]["run_id"],
                    metrics=[{"key": f"m{key}", "value": (at * 7919 + key * 104_729) % 100_003 / 1000, "timestamp": 1, "step": 1} for key in range(5)],
                    params=[{"key": f"p{key}", "value": str(at % (key + 2))} for key in range(5)],
                    tags=[{"key": "team", "value": f"t{at % 10}"}],
                )
        workers = [threading.Thread(target=some, args=[first]) for first in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def walk(self, experiment, size):
        body, found = {"experiment_ids": [experiment], "order_by": ["metrics.m0 ASC"], "max_results": size}, 0
        while True:
            page = self.post("runs/search", **body)
            found += len(page.get("runs", []))
            if "next_page_token" not in page:
                return found
            body["page_token"] = page["next_page_token"]


def search(experiment):
    return json.dumps({"experiment_ids": [experiment], "filter": "metrics.m0 < 50", "order_by": ["metrics.m0 DESC"], "max_results": 100})


def measure(server, places, number):
    """One round: figures by row."""
    found = {}
    experiment, runs = places["writes"], " ".join(places["runs"])
    for kind, connections in [("create_run", 1), ("create_run", 8), ("log_metric", 1), ("log_metric", 8), ("batch_10", 1), ("batch_1000", 1),
                              ("batch_10", 8), ("create_version", 1), ("create_version", 8)]:
        found[kind, connections] = server.wrk(kind, connections, EXPERIMENT=experiment, RUNS=runs, SALT=f"{number}-{connections}")
    found["history", 1] = server.asked("GET", f"{API}metrics/get-history?run_id={places['history']}&metric_key=loss")
    for name in ("small", "searched"):
        found[name, 1] = server.asked("POST", f"{API}runs/search", search(places[name]))
    found["walk", 1] = server.timed(lambda: server.walk(places["searched"], 1000))
    path = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/bench/artifacts/file-{number}"
    for name, method, raw in [("up", "PUT", FILE), ("down", "GET", None)]:
        found[name, 1] = server.timed(lambda: [server.call(method, path, raw=raw) for _ in range(8)])
    return found


def prepare(server):
    number = lambda name: server.post("experiments/create", name=name)["experiment_id"]
    places = {name: number(name) for name in ("writes", "small", "searched")}
    run = lambda: server.post("runs/create", experiment_id=places["writes"], start_time=1)["run"]["info"]["run_id"]
    places["runs"], places["history"] = [run() for _ in range(8)], run()
    for first in range(0, 10_000, 1000):
        metrics = [{"key": "loss", "value": 1 / (step + 1), "timestamp": step, "step": step} for step in range(first, first + 1000)]
        server.post("runs/log-batch", run_id=places["history"], metrics=metrics)
    server.fill(places["small"], min(1000, SEARCHED))
    server.fill(places["searched"], SEARCHED)
    return places


def middle(rows, column):
    values = [row[column] for row in rows]
    return statistics.median(values), min(values), max(values)


def told(rows, column, digits):
    value, low, high = middle(rows, column)
    return f"{value:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


RATES = [
    ("create_run", 1, "create run, 1 client", 1), ("create_run", 8, "create run, 8 clients", 1),
    ("log_metric", 1, "log one metric, 1 client", 1), ("log_metric", 8, "log one metric, 8 clients", 1),
    ("batch_10", 1, "log-batch of 1,000 metrics in 10 series, 1 client: metrics", 1000),
    ("batch_10", 8, "the same, 8 clients: metrics", 1000),
    ("batch_1000", 1, "log-batch of 1,000 metrics in 1,000 series, 1 client: metrics", 1000),
    ("create_version", 1, "create model + version, 1 client: pairs", 0.5), ("create_version", 8, "the same, 8 clients: pairs", 0.5),
]
WAITS = [("history", "history of 10,000 points"), ("small", "search 1,000 runs, metric filter and order, 100 back"),
         ("searched", f"search {SEARCHED:,} runs, metric filter and order, 100 back")]


def both():
    socle = Server("socle", sys.argv[2], sys.argv[3], os.environ["SOCLE_KEY"])
    genuine = Server("mlflow", sys.argv[4], sys.argv[5])
    servers = [socle, genuine]
    places = {server.name: prepare(server) for server in servers}
    rounds = {server.name: [] for server in servers}
    for number in range(ROUNDS):
        for server in servers:
            rounds[server.name].append(measure(server, places[server.name], number))
    ours = lambda key: [found[key] for found in rounds["socle"]]
    theirs = lambda key: [found[key] for found in rounds["mlflow"]]
    ratio = lambda one, other: f"{one / other:,.1f}" if other else "–"

    print(f"\n| medians (min to max) of {ROUNDS} rounds of {SECONDS} s | socle | mlflow | ratio |\n|---|---|---|---|")
    for kind, connections, words, factor in RATES:
        key = (kind, connections)
        print(f"| {words}: CPU ms per call | {told(ours(key), 1, 3)} | {told(theirs(key), 1, 2)} | "
              f"{ratio(middle(theirs(key), 1)[0], middle(ours(key), 1)[0])} |")
        rate = lambda rows: [(row[0] * factor,) for row in rows]
        print(f"| per second | {told(rate(ours(key)), 0, 0)} | {told(rate(theirs(key)), 0, 0)} | "
              f"{ratio(middle(ours(key), 0)[0], middle(theirs(key), 0)[0])} |")
        print(f"| p95, ms | {told(ours(key), 3, 2)} | {told(theirs(key), 3, 1)} | {ratio(middle(theirs(key), 3)[0], middle(ours(key), 3)[0])} |")
    for name, words in WAITS:
        key = (name, 1)
        for column, what, digits in [(1, "CPU ms per call", 2), (2, "p50, ms", 2), (3, "p95, ms", 2)]:
            print(f"| {words}: {what} | {told(ours(key), column, digits)} | {told(theirs(key), column, 1)} | "
                  f"{ratio(middle(theirs(key), column)[0], middle(ours(key), column)[0])} |")
    key = ("walk", 1)
    for column, what in [(1, "CPU s"), (0, "s")]:
        print(f"| walk {SEARCHED:,} runs by a metric in pages of 1,000: {what} | {told(ours(key), column, 2)} | {told(theirs(key), column, 1)} | "
              f"{ratio(middle(theirs(key), column)[0], middle(ours(key), column)[0])} |")
    for name, words in [("up", "up"), ("down", "down")]:
        key = (name, 1)
        rate = lambda rows: [(8 * 16 / row[0],) for row in rows]
        print(f"| artifact of 16 MiB {words}: MiB/s | {told(rate(ours(key)), 0, 0)} | {told(rate(theirs(key)), 0, 0)} | "
              f"{ratio(middle(theirs(key), 0)[0], middle(ours(key), 0)[0])} |")
    sizes = [server.resident_mb() for server in servers]
    print(f"| resident memory after all this, MB ({len(socle.family())} and {len(genuine.family())} processes) | {sizes[0]:,.0f} | {sizes[1]:,.0f} | "
          f"{ratio(sizes[1], sizes[0])} |")
    views(socle, places["socle"]["searched"])
    if LARGE:
        large(socle)


def views(server, experiment):
    """What the console asks for each view of an experiment's runs, of Socle alone."""
    columns = ["metrics.m0", "metrics.m1", "metrics.m2", "params.p0", "params.p1", "tags.team", "tags.mlflow.parentRunId"]
    base = {"experiment_ids": [experiment], "max_results": 500, "columns": columns}
    far = dict(base, order_by=["metrics.m0 DESC"])
    for _ in range(SEARCHED // 1000):
        far["page_token"] = server.post("runs/search", **far)["next_page_token"]
    ids = [run["info"]["run_id"] for run in server.post("runs/search", **dict(base, max_results=200))["runs"]]
    chosen = ", ".join(f"'{run_id}'" for run_id in ids)
    parents = "tags.`mlflow.parentRunId` = 'none'"
    searches = [
        ("500 runs, newest first", base),
        ("ordered by a metric", dict(base, order_by=["metrics.m0 DESC"])),
        ("the same, from the middle of the list on", far),
        ("ordered by a param", dict(base, order_by=["params.p4 ASC"])),
        ("filtered by a metric and a param", dict(base, filter="metrics.m1 < 20 AND params.p3 = '2'")),
        ("filtered by a tag, ordered by a metric", dict(base, filter="tags.team = 't3'", order_by=["metrics.m2 ASC"])),
        ("deleted ones", dict(base, run_view_type="DELETED_ONLY")),
        ("a run's children", dict(base, filter=parents, max_results=100, columns=[])),
        ("200 chosen ones compared, all that they logged",
         {"experiment_ids": [experiment], "filter": f"attributes.run_id IN ({chosen})", "max_results": 200, "run_view_type": "ALL"}),
    ]
    asks = [(words, "POST", f"{API}runs/search", json.dumps(body)) for words, body in searches]
    asks += [(f"which {kind}s there are", "GET", f"/api/v1/ml/experiments/{experiment}/columns?kind={kind}&limit=150", None)
             for kind in ("metric", "param", "tag")]
    many = "&".join(f"run_ids={run_id}" for run_id in ids[:100])
    asks.append(("curves of 100 runs", "GET", f"{API}metrics/get-history-bulk-interval?{many}&metric_key=m0&max_results=300", None))
    asks.append(("the list of experiments", "POST", f"{API}experiments/search", json.dumps({"max_results": 100})))
    print(f"\n| views of {SEARCHED:,} runs, Socle alone: ms | p50 | p95 |\n|---|---|---|")
    for words, method, path, body in asks:
        found = server.asked(method, path, body)
        print(f"| {words} | {found[2]:.1f} | {found[3]:.1f} |")


def large(server):
    """What the table asks at a tenth of it, for Socle alone."""
    experiment = server.post("experiments/create", name="large")["experiment_id"]
    took, _ = server.timed(lambda: server.fill(experiment, LARGE))
    run = server.post("runs/create", experiment_id=experiment, start_time=1)["run"]["info"]["run_id"]
    print(f"\n| Socle alone, {LARGE:,} runs with {LARGE * 5:,} metrics in one experiment | |\n|---|---|\n| filling, s | {took:,.0f} |")
    found = [server.asked("POST", f"{API}runs/search", search(experiment)) for _ in range(ROUNDS)]
    print(f"| search, metric filter and order, 100 back: p50, ms | {told(found, 2, 2)} |\n| p95, ms | {told(found, 3, 2)} |")
    walked = [server.timed(lambda: server.walk(experiment, 1000)) for _ in range(ROUNDS)]
    print(f"| walk in pages of 1,000, s | {told(walked, 0, 2)} |")
    memory = [server.resident_mb()]
    began, step = time.perf_counter(), 0
    for _ in range(10):
        for _ in range(100):
            metrics = [{"key": f"m{at % 10}", "value": at / 7, "timestamp": step, "step": step + at} for at in range(1000)]
            server.post("runs/log-batch", run_id=run, metrics=metrics)
            step += 1000
        memory.append(server.resident_mb())
    rate = step / (time.perf_counter() - began)
    later = memory[len(memory) // 2:]
    print(f"| a million points into one run, 1 client: points/s | {rate:,.0f} |")
    print(f"| resident memory before, at each tenth, MB | {', '.join(f'{size:,.0f}' for size in memory)} |")
    print(f"| growth over the second half, for an hour at this rate, MB | {(later[-1] - later[0]) / (step / 2) * rate * 3600:,.0f} |")
    found = server.asked("GET", f"{API}metrics/get-history?run_id={run}&metric_key=m0&max_results=10000")
    print(f"| the first 10,000 of its 100,000 points of one metric: p50, ms | {found[2]:.1f} |")


def free_port():
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        return asking.getsockname()[1]


def cold():
    binary, python, folder, rounds = *sys.argv[2:5], int(sys.argv[5])

    def start(name, number):
        port, place = free_port(), f"{folder}/cold-{name}-{number}"
        os.mkdir(place)
        if name == "socle":
            command, extra = [binary, "serve"], {"SOCLE_DATA": f"{place}/data", "SOCLE_LISTEN": f"127.0.0.1:{port}"}
        else:
            command = [python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--backend-store-uri",
                       f"sqlite:///{place}/mlflow.db", "--artifacts-destination", f"{place}/files"]
            extra = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        began = time.perf_counter()
        process = subprocess.Popen(command, env=os.environ | extra, cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            while True:
                link = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
                try:
                    link.request("GET", "/health")
                    if link.getresponse().status == 200:
                        return time.perf_counter() - began
                except OSError:
                    time.sleep(0.002)
                finally:
                    link.close()
                if process.poll() is not None or time.perf_counter() - began > 120:
                    sys.exit(f"{name} did not come up")
        finally:
            process.terminate()
            process.wait(timeout=30)

    found = {name: [(start(name, number),) for number in range(rounds)] for name in ("socle", "mlflow")}
    ours, theirs = found["socle"], found["mlflow"]
    print(f"\n| cold start to `/health` 200, s | socle | mlflow | ratio |\n|---|---|---|---|\n| empty folder | {told(ours, 0, 3)} | "
          f"{told(theirs, 0, 1)} | {middle(theirs, 0)[0] / middle(ours, 0)[0]:,.0f} |")


{"both": both, "cold": cold}[sys.argv[1]]()
