"""cold_start.py BINARY RUNS: see cold-start.sh, which calls it. Standard library only."""

import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

IDLE_S = 5


def free_port():
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        return asking.getsockname()[1]


def healthy(port):
    """Whether /health answers 200 now."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def resident_mb(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS:"))


def once(binary):
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "SOCLE_DATA": f"{folder}/data", "SOCLE_LISTEN": f"127.0.0.1:{port}"}
        with open(f"{folder}/log", "w+") as log:
            began = time.perf_counter()
            server = subprocess.Popen([binary, "serve"], env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                while not healthy(port):
                    if server.poll() is not None or time.perf_counter() - began > 30:
                        log.seek(0)
                        sys.exit(f"the server did not come up:\n{log.read()}")
                    time.sleep(0.001)
                started_ms = (time.perf_counter() - began) * 1000
                time.sleep(IDLE_S)
                return started_ms, resident_mb(server.pid)
            finally:
                server.terminate()
                server.wait(timeout=15)


def main():
    binary, runs = sys.argv[1], int(sys.argv[2])
    figures = [once(binary) for _ in range(runs)]
    print(f"\n| {runs} runs | median | min to max |\n|---|---|---|")
    for name, values in zip(("start to /health 200, ms", f"resident memory after {IDLE_S} s, MB"), zip(*figures)):
        print(f"| {name} | {statistics.median(values):.1f} | {min(values):.1f} to {max(values):.1f} |")


if __name__ == "__main__":
    main()
