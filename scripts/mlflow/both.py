"""What the scripts beside this share: calls as they go over the wire, and a genuine server that is asked once."""

import base64
import http.client
import json
import os
import pickle
import time
import urllib.parse


class Server:
    """A server, spoken to without MLflow's client, which would not let a malformed call out."""

    def __init__(self, url, email=None, password=None):
        self.place = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPConnection(self.place.hostname, self.place.port, timeout=60)
        self.headers = {}
        if email:
            pair = base64.b64encode(f"{email}:{password}".encode()).decode()
            self.headers["Authorization"] = f"Basic {pair}"

    def send(self, method, path, body=None, content_type="application/json"):
        """The status and the text of the answer. `body` is what a GET asks by its address, and others send."""
        if not path.startswith("/"):
            path = f"/api/2.0/mlflow/{path}"
        headers = dict(self.headers)
        data = None
        if method == "GET":
            if body:
                path += "?" + urllib.parse.urlencode(body, doseq=True)
        else:
            data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
            if data is not None and content_type:
                headers["Content-Type"] = content_type
        for attempt in range(2):
            try:
                self.connection.request(method, path, data, headers)
                answer = self.connection.getresponse()
                return answer.status, answer.read().decode(errors="replace")
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                # A connection that was kept, and that the server gave up meanwhile.
                self.connection.close()
                assert attempt == 0, (method, path)

    def must(self, method, path, body=None):
        status, text = self.send(method, path, body)
        assert status == 200, (method, path, status, text)
        return json.loads(text)


class Genuine:
    """What a genuine server told when these scripts ran first is kept in a file, and read from there later."""

    def __init__(self, kept):
        self.kept = kept
        self.told = {}
        if os.path.exists(kept):
            with open(kept, "rb") as file:
                self.told = pickle.load(file)

    def of(self, name, ask):
        if name not in self.told:
            self.told[name] = ask()
            with open(self.kept, "wb") as file:
                pickle.dump(self.told, file)
        return self.told[name]


begin = time.monotonic()


def step(name):
    print(f"{time.monotonic() - begin:6.1f} s  {name}", flush=True)
