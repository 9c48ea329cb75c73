"""client.py URL TOKEN USER FOLDER: the promises to older clients, tried with python-socketio over both transports.

Asks whoever started it to make things happen by creating files in FOLDER: `ready-…` when a client listens. Exits with 1 and
a line when something was not as promised.
"""

import asyncio
import pathlib
import sys

import socketio


def check(condition, what):
    if not condition:
        sys.exit(f"python-socketio: {what}")


async def refused(url, **how):
    client = socketio.AsyncClient()
    try:
        await client.connect(url, wait_timeout=10, **how)
    except socketio.exceptions.ConnectionError:
        return True
    finally:
        await client.disconnect()
        await client.shutdown()
    return False


async def listen(url, token, user, folder, transport):
    client = socketio.AsyncClient()
    heard = {name: asyncio.Queue() for name in ("new_event", "qcm_generated", "new_exam", "frame_update", "joined", "problem")}
    for name in heard:
        client.on(name, heard[name].put)
    await client.connect(url, auth={"token": token}, transports=[transport], wait_timeout=10)
    check(client.transport() == transport, f"connected by {client.transport()}, not {transport}")

    async def next_of(name):
        return await asyncio.wait_for(heard[name].get(), 60)

    answer = await client.call("join_room", {"user_id": user}, timeout=30)
    check(answer["user_id"] == user, f"join_room answered {answer}")
    check((await next_of("joined"))["user_id"] == user, "joined names another user")
    await client.emit("join_room", {"user_id": "usr_00000000000000000000000000"})
    check((await next_of("problem"))["status"] == 403, "somebody else's room was not refused")
    answer = await client.call("join", {"room": "kitchen:1"}, timeout=30)
    check(answer["error"]["status"] == 404, f"a room that is not there answered {answer}")

    (pathlib.Path(folder) / f"ready-python-{transport}").touch()
    event = await next_of("new_event")
    check(event["camera_name"] == "Yard", f"new_event said {event}")
    exam = await next_of("qcm_generated")
    check(exam["qcm_id"] == "exam_1" and exam["message"] and exam["timestamp"], f"qcm_generated said {exam}")
    exam = await next_of("new_exam")
    check(set(exam) == {"qcm_id", "message"}, f"new_exam said {exam}")
    frame = await next_of("frame_update")
    check(frame["camera_id"].startswith("cam_"), f"frame_update said {frame}")
    await client.disconnect()


async def main():
    url, token, user, folder = sys.argv[1:]
    check(await refused(url), "a stranger was let in")
    check(await refused(url, auth={"token": "nonsense"}), "a made-up token was let in")
    check(await refused(url, headers={"Cookie": "socle_session=x", "Origin": "https://evil.example"}), "a foreign page was let in")
    await asyncio.gather(*(listen(url, token, user, folder, transport) for transport in ("polling", "websocket")))
    print("python-socketio: polling and websocket, as promised")


asyncio.run(main())
