#!/usr/bin/env python3
"""Takes webhooks, and verifies them with the `standardwebhooks` library: prints every one as a line of JSON.

The first line is {"port": …}. The secret is read from the file that is named, at each call, so that it may change.
The path says what is answered: /ok 204, /fail 500, /gone 410, /busy 429 with Retry-After in seconds, /busy-until the same
with a date, /moved 302, /slow nothing for a minute, /flaky 500 to the first call of each message and 200 to the second, /large 200 and a megabyte.
"""
import collections
import email.utils
import http.server
import json
import sys
import threading
import time

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

secret_file = sys.argv[1]
lock = threading.Lock()
seen = collections.Counter()


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        # Where /moved leads: nobody should come here.
        self.report({"followed": True})
        self.answer(200)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        message = headers.get("webhook-id", "")
        verified, why = {}, {}
        try:
            with open(secret_file, encoding="utf-8") as file:
                secrets = file.read().split()
        except FileNotFoundError:
            secrets = []
        for secret in secrets:
            try:
                Webhook(secret).verify(body, headers)
                verified[secret] = True
            except WebhookVerificationError as error:
                verified[secret] = False
                why[secret] = str(error)
        with lock:
            seen[message] += 1
            count = seen[message]
        path = self.path.split("?")[0]
        self.report(
            {
                "path": path,
                "headers": headers,
                "body": json.loads(body),
                "verified": verified,
                "why": why,
                "count": count,
            }
        )
        match path:
            case "/fail":
                self.answer(500, b"it broke here")
            case "/gone":
                self.answer(410)
            case "/busy":
                self.answer(429, headers={"Retry-After": "7200"})
            case "/busy-until":
                self.answer(429, headers={"Retry-After": email.utils.formatdate(time.time() + 7200, usegmt=True)})
            case "/moved":
                self.answer(302, headers={"Location": "/elsewhere"})
            case "/slow":
                time.sleep(60)
                self.answer(200)
            case "/flaky":
                self.answer(500 if count == 1 else 200, b"thanks")
            case "/large":
                self.answer(200, b"x" * 1_000_000)
            case _:
                self.answer(204)

    def answer(self, status, body=b"", headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except BrokenPipeError:
            pass

    def report(self, value):
        with lock:
            print(json.dumps(value), flush=True)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
server.daemon_threads = True
print(json.dumps({"port": server.server_address[1]}), flush=True)
server.serve_forever()
