// client.mjs URL TOKEN USER FOLDER: the promises to older clients, tried with socket.io-client over both transports, as
// scripts/socketio/client.py does with Python's. Run from console/, which has the package.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { io } = createRequire(join(process.cwd(), "package.json"))("socket.io-client");
const [url, token, user, folder] = process.argv.slice(2);

function check(condition, what) {
  if (condition) return;
  console.error(`socket.io-client: ${what}`);
  process.exit(1);
}

function refused(options) {
  return new Promise((resolve) => {
    const socket = io(url, { forceNew: true, reconnection: false, ...options });
    const end = (answer) => (socket.disconnect(), resolve(answer));
    socket.on("connect", () => end(false));
    socket.on("connect_error", () => end(true));
  });
}

async function listen(transport) {
  const socket = io(url, { forceNew: true, auth: { token }, transports: [transport], reconnection: false });
  // What comes before it is waited for is kept.
  const kept = new Map();
  const waiting = new Map();
  socket.onAny((name, data) => {
    const take = waiting.get(name);
    if (take) waiting.delete(name), take(data);
    else kept.set(name, [...(kept.get(name) ?? []), data]);
  });
  const next = (name) => {
    if (kept.get(name)?.length) return Promise.resolve(kept.get(name).shift());
    return new Promise((resolve, reject) => {
      const end = setTimeout(() => reject(new Error(`no ${name} came`)), 60_000);
      waiting.set(name, (data) => (clearTimeout(end), resolve(data)));
    });
  };
  await new Promise((resolve, reject) => socket.on("connect", resolve).on("connect_error", reject));
  check(socket.io.engine.transport.name === transport, `connected by ${socket.io.engine.transport.name}, not ${transport}`);

  const answer = await socket.timeout(30_000).emitWithAck("join_room", { user_id: user });
  check(answer.user_id === user, `join_room answered ${JSON.stringify(answer)}`);
  check((await next("joined")).user_id === user, "joined names another user");
  socket.emit("join_room", { user_id: "usr_00000000000000000000000000" });
  check((await next("problem")).status === 403, "somebody else's room was not refused");
  const missing = await socket.timeout(30_000).emitWithAck("join", { room: "kitchen:1" });
  check(missing.error.status === 404, `a room that is not there answered ${JSON.stringify(missing)}`);

  writeFileSync(join(folder, `ready-js-${transport}`), "");
  const event = await next("new_event");
  check(event.camera_name === "Yard", `new_event said ${JSON.stringify(event)}`);
  const generated = await next("qcm_generated");
  check(generated.qcm_id === "exam_1" && generated.message && generated.timestamp, `qcm_generated said ${JSON.stringify(generated)}`);
  const exam = await next("new_exam");
  check(Object.keys(exam).sort().join() === "message,qcm_id", `new_exam said ${JSON.stringify(exam)}`);
  check((await next("frame_update")).camera_id.startsWith("cam_"), "frame_update names no camera");
  socket.disconnect();
}

check(await refused({}), "a stranger was let in");
check(await refused({ auth: { token: "nonsense" } }), "a made-up token was let in");
await Promise.all(["polling", "websocket"].map(listen));
console.log("socket.io-client: polling and websocket, as promised");
