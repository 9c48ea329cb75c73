"""The peer: Flask-SocketIO as its documentation deploys it with gevent, one process. POST /tick tells all clients."""

import sys

from gevent import monkey

monkey.patch_all()

from flask import Flask, request  # noqa: E402
from flask_socketio import SocketIO  # noqa: E402

app = Flask(__name__)
socketio = SocketIO(app, async_mode="gevent")


@app.post("/tick")
def tick():
    socketio.emit("tick", {"number": request.json["number"], "topic": "settings.changed", "key": "jobs.keep_h"})
    return {"told": True}


@app.get("/")
def home():
    return {"ready": True}


if __name__ == "__main__":
    socketio.run(app, host="127.0.0.1", port=int(sys.argv[1]))
