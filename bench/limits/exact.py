"""200 requests at once over all given URLs: prints how many were answered 200, 429 and otherwise. TOKEN may hold a bearer token."""

import http.client
import os
import sys
import threading
from collections import Counter
from urllib.parse import urlsplit

urls = [urlsplit(url) for url in sys.argv[1:]]
headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"} if os.environ.get("TOKEN") else {}
begin = threading.Barrier(200)
counts, lock = Counter(), threading.Lock()


def call(number: int) -> None:
    url = urls[number % len(urls)]
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    connection.connect()
    begin.wait()
    connection.request("GET", url.path, headers=headers)
    status = connection.getresponse().status
    with lock:
        counts[status] += 1


threads = [threading.Thread(target=call, args=(number,)) for number in range(200)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(counts.pop(200, 0), counts.pop(429, 0), sum(counts.values()))
