"""Hold WebSocket clients in one workspace's room, make events happen, and time their arrival at every client.

    clients.py URL TOKEN --clients 500 --events 100 [--rate 10]

Each event is a real one: an acknowledgement over HTTP, which the server commits and then tells to the room. The time of
one delivery runs from just before that request is sent to when a client has read the message, so it holds the request, the
transaction, the outbox and this program's own work. Both ends use this process's monotonic clock. Prints one JSON line;
exits with 1 when a message was lost or came twice.
"""

import argparse
import asyncio
import http.client
import json
import sys
import time
from urllib.parse import urlsplit

import websockets

TOPIC = "surveillance.event_updated"


class Api:
    """Calls on one kept-alive connection; each runs on a thread so that the clients go on reading."""

    def __init__(self, url, token):
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(self, method, path, body=None):
        self.connection.request(method, path, json.dumps(body) if body is not None else None, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            sys.exit(f"{method} {path} answered {answer.status}: {text[:300]!r}")
        return json.loads(text)

    async def __call__(self, method, path, body=None):
        return await asyncio.to_thread(self.call, method, path, body)


async def client(url, token, room, arrivals, ready):
    """Joins the room and notes when each event's message came: (event id, instant)."""
    async with websockets.connect(url, additional_headers={"Authorization": f"Bearer {token}"}, max_queue=1024) as socket:
        await socket.send(json.dumps({"type": "join", "room": room}))
        async for text in socket:
            now = time.perf_counter()
            message = json.loads(text)
            if message["type"] == "joined":
                ready()
            elif message["type"] == "event" and message["topic"] == TOPIC:
                arrivals.append((message["data"]["id"], now))
            elif message["type"] == "error":
                sys.exit(f"the server refused: {text}")


async def run(args):
    api = Api(args.url, args.token)
    me = await api("GET", "/api/v1/auth/me")
    room = f"workspace:{me['workspace']['id']}"
    socket_url = args.url.replace("http", "ws", 1) + "/ws"

    todo, cursor = [], ""
    while len(todo) < args.events:
        page = await api("GET", f"/api/v1/surveillance/events?acknowledged=false&limit=100{cursor}")
        todo += [event["id"] for event in page["items"]]
        if not page["next_cursor"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    todo = todo[: args.events]
    if len(todo) < args.events:
        sys.exit(f"only {len(todo)} events are there to acknowledge")

    joined, everybody = 0, asyncio.Event()

    def ready():
        nonlocal joined
        joined += 1
        if joined == args.clients:
            everybody.set()

    began = time.perf_counter()
    arrivals = [[] for _ in range(args.clients)]
    tasks = []
    for mine in arrivals:
        tasks.append(asyncio.create_task(client(socket_url, args.token, room, mine, ready)))
        if len(tasks) % 50 == 0:
            await asyncio.sleep(0.05)
    waiting = asyncio.create_task(everybody.wait())
    await asyncio.wait([waiting, *tasks], timeout=60, return_when=asyncio.FIRST_COMPLETED)
    if not everybody.is_set():
        for task in tasks:
            if task.done():
                task.result()
        sys.exit(f"only {joined} of {args.clients} clients joined")
    joined_s = time.perf_counter() - began

    sent = {}
    for number, event in enumerate(todo):
        sent[event] = time.perf_counter()
        await api("POST", f"/api/v1/surveillance/events/{event}/acknowledge", {})
        await asyncio.sleep(max(0, sent[todo[0]] + (number + 1) / args.rate - time.perf_counter()))
    deadline = time.perf_counter() + 10
    while sum(map(len, arrivals)) < args.clients * args.events and time.perf_counter() < deadline:
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)  # a second copy of the last message would come now
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    times = sorted((at - sent[event]) * 1000 for mine in arrivals for event, at in mine if event in sent)
    lost = sum(len(set(todo) - {event for event, _ in mine}) for mine in arrivals)
    double = sum(len(mine) - len({event for event, _ in mine}) for mine in arrivals)
    at = lambda share: round(times[min(len(times) - 1, int(len(times) * share))], 1) if times else None  # noqa: E731
    print(json.dumps({
        "clients": args.clients, "events": args.events, "joined_s": round(joined_s, 2), "delivered": len(times), "lost": lost,
        "double": double, "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1.0),
    }))
    return lost or double


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--rate", type=float, default=10, help="events per second")
    sys.exit(1 if asyncio.run(run(parser.parse_args())) else 0)


if __name__ == "__main__":
    main()
