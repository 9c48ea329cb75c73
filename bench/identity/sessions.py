"""sessions.py DATA_FOLDER COUNT: write that many browser sessions of the first user straight into a stopped Socle's SQLite
file, copies of a real one, and their cookies to standard output. Standard library only.

    sessions.py use URL FILE       asks who each cookie is, once, over 16 connections
"""

import base64
import hashlib
import http.client
import os
import secrets
import sqlite3
import sys
import threading
from urllib.parse import urlsplit

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def write(folder, count):
    database = sqlite3.connect(os.path.join(folder, "socle.db"))
    cursor = database.execute("SELECT * FROM identity_sessions ORDER BY created_at DESC LIMIT 1")
    names = [column[0] for column in cursor.description]
    model = dict(zip(names, cursor.fetchone()))
    number = int.from_bytes(os.urandom(8), "big")
    for n in range(count):
        cookie = secrets.token_bytes(32)
        value = 0x019A << 112 | 0x7 << 76 | 0b10 << 62 | (number + n) % (1 << 60)
        identifier = "ses_" + "".join(ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))
        row = model | {
            "id": identifier, "cookie_hash": hashlib.sha256(cookie).digest(), "refresh_hash": None, "kind": "browser",
            "address": f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}",
        }
        database.execute(
            f"INSERT INTO identity_sessions ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
            [row[name] for name in names],
        )
        print(base64.urlsafe_b64encode(cookie).rstrip(b"=").decode())
    database.commit()


def use(url, file):
    cookies = open(file).read().split()
    failed = []

    def ask(some):
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        for cookie in some:
            connection.request("GET", "/api/v1/auth/me", headers={"Cookie": f"socle_session={cookie}"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                failed.append(answer.status)

    threads = [threading.Thread(target=ask, args=(cookies[n::16],)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        sys.exit(f"{len(failed)} of {len(cookies)} sessions were refused: {sorted(set(failed))}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["use", url, file]:
            use(url, file)
        case [folder, count]:
            write(folder, int(count))
        case _:
            sys.exit(__doc__)
