"""The peer of the limits benchmark: Flask with flask-limiter on Redis, under gunicorn. `/free` is not limited, `/wide` by a
quota that the load does not reach, `/narrow` by 50 an hour."""

import os

from flask import Flask, jsonify
from flask_limiter import Limiter

app = Flask(__name__)
limiter = Limiter(lambda: "everybody", app=app, storage_uri=os.environ["PEER_REDIS"], strategy=os.environ["PEER_STRATEGY"],
                  headers_enabled=True)


def answer():
    return jsonify({"id": 1, "name": "somebody"})


@app.get("/free")
@limiter.exempt
def free():
    return answer()


@app.get("/wide")
@limiter.limit("1000000/hour")
def wide():
    return answer()


@app.get("/narrow")
@limiter.limit("50/hour")
def narrow():
    return answer()
