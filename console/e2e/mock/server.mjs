// A stand-in for the server, for working on the console alone: `npm run build && npm run mock`. Keeps state in memory, speaks
// the same HTTP and WebSocket, and serves dist/ under the same content security policy. It is never shipped.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import * as data from "./data.mjs";
import { identity } from "./identity.mjs";
import { artifact, ml } from "./ml.mjs";
import { pictures } from "./pictures.mjs";
import { platform } from "./platform.mjs";

const port = Number(process.env.SOCLE_MOCK_PORT ?? 8010);
const dist = fileURLToPath(new URL("../../dist", import.meta.url));
const POLICY = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'";
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2" };

const { frames, clip } = pictures();
const state = process.env.SOCLE_MOCK_EMPTY ? { cameras: [], events: [], users: [], tasks: [], models: [] } : data.seed();
let firstRun = process.env.SOCLE_MOCK_FIRST_RUN === "1";
let signedIn = false;
const account = { email: "camille.aubert@example.org", password: "correct horse battery" };
const workspaces = [
  { id: "ws_01j9main", name: "Dépôt Nord", slug: "depot-nord", role: "admin" },
  { id: "ws_01j9lab", name: "Laboratory", slug: "laboratory", role: "operator" },
];
const me = {
  id: state.users[0]?.id ?? "usr_01j9first", email: account.email, first_name: "Camille", last_name: "Aubert", locale: null, is_active: true, is_verified: true,
  created_at: new Date().toISOString(), last_login_at: new Date().toISOString(), roles: ["admin"],
  permissions: process.env.SOCLE_MOCK_PERMISSIONS?.split(",") ?? data.PERMISSIONS, scopes: [], workspace: workspaces[0], workspaces,
};
let offset = 100;
let sessions = [
  { id: "ses_1", kind: "browser", client: null, device: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", address: "192.168.1.50", created_at: new Date().toISOString(), last_seen_at: new Date().toISOString(), current: true },
  { id: "ses_2", kind: "client", client: "cli_01j9reader", device: "Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", address: "10.0.0.7", created_at: new Date().toISOString(), last_seen_at: new Date(Date.now() - 4e6).toISOString(), current: false },
];

class Refusal extends Error {
  constructor(status, error, detail, errors) {
    super(detail);
    Object.assign(this, { status, error, errors });
  }
}
const find = (list, key) => list.find((one) => one.id === key) ?? refuse(404, "surveillance.not-found", `${key} does not exist`);
const refuse = (...args) => {
  throw new Refusal(...args);
};
function page(list, query) {
  const size = Number(query.get("page_size") ?? 20);
  const at = Number(query.get("page") ?? 1);
  return { items: list.slice((at - 1) * size, at * size), total: list.length, page: at, page_size: size, total_pages: Math.max(1, Math.ceil(list.length / size)) };
}

function crosses(points) {
  const turn = (a, b, c) => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
  return points.some((a, i) => points.some((c, j) => {
    if (j < i + 2 || (i === 0 && j === points.length - 1)) return false;
    const [b, d] = [points[(i + 1) % points.length], points[(j + 1) % points.length]];
    return turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0;
  }));
}

function matching(query) {
  const is = (name, value) => query.get(name) === null || query.get(name) === String(value);
  return state.events.filter((event) =>
    is("camera_id", event.camera_id) && is("kind", event.kind) && is("severity", event.severity) && is("acknowledged", event.acknowledged !== null) &&
    (!query.get("from") || event.started_at >= query.get("from")) && (!query.get("to") || event.started_at <= query.get("to")) &&
    (!query.get("text") || JSON.stringify([event.camera_name, event.zone_name]).toLowerCase().includes(query.get("text").toLowerCase())));
}

function acknowledge(event, comment) {
  event.acknowledged = { at: new Date().toISOString(), by: me.id, comment: comment ?? null };
  announce("surveillance.event_updated", event);
  return event;
}

const S = "/api/v1/surveillance";
const routes = {
  "GET /api/v1/auth/first-run": () => ({ required: firstRun }),
  "POST /api/v1/auth/first-run": ({ body, reply }) => {
    if (!firstRun || body.token !== "first") refuse(403, "identity.first-run-closed", "the link was used already or is not the one that was printed");
    if (body.password.length < 8) refuse(422, "validation", "the account is not complete", [{ pointer: "/password", detail: "needs at least 8 characters" }]);
    firstRun = false;
    Object.assign(me, { email: body.email, first_name: body.first_name, last_name: body.last_name });
    Object.assign(account, { email: body.email, password: body.password });
    return reply.signIn(201);
  },
  "POST /api/v1/auth/session": ({ body, reply }) => {
    if (body.email !== account.email || body.password !== account.password) refuse(401, "identity.bad-credentials", "e-mail or password is wrong");
    return reply.signIn(200);
  },
  "DELETE /api/v1/auth/session": () => ((signedIn = false), null),
  "GET /api/v1/auth/me": () => me,
  "PATCH /api/v1/auth/me": ({ body }) => Object.assign(me, body),
  "POST /api/v1/auth/password": ({ body }) => {
    if (body.current_password !== account.password) refuse(422, "identity.wrong-password", "the current password is wrong", [{ pointer: "/current_password", detail: "is not your password" }]);
    account.password = body.new_password;
    return null;
  },
  "POST /api/v1/auth/reset": () => null,
  "POST /api/v1/auth/workspace": ({ body }) => Object.assign(me, { workspace: workspaces.find((one) => one.id === body.workspace_id) }),
  "GET /api/v1/auth/sessions": ({ query }) => page(sessions, query),
  "DELETE /api/v1/auth/sessions": () => ((sessions = sessions.filter((one) => one.current)), null),
  "DELETE /api/v1/auth/sessions/:id": ({ id }) => ((sessions = sessions.filter((one) => one.id !== id)), null),
  "GET /api/v1/users": ({ query }) => page(state.users.filter((user) => (user.deleted_at != null) === (query.get("deleted") === "true") && (!query.get("is_active") || String(user.is_active) === query.get("is_active")) && (!query.get("is_verified") || String(user.is_verified) === query.get("is_verified")) && (!query.get("role") || user.roles.includes(query.get("role"))) && JSON.stringify(user).toLowerCase().includes((query.get("search") ?? "").toLowerCase())), query),
  "GET /api/v1/users/:id": ({ id }) => find(state.users, id),
  "POST /api/v1/users": ({ body }) => {
    if (state.users.some((user) => user.email === body.email)) refuse(409, "identity.email-taken", `${body.email} has an account already`, [{ pointer: "/email", detail: "is taken" }]);
    const user = { ...state.users[0], kind: "person", deleted_at: null, id: data.id("usr"), email: body.email, first_name: body.first_name, last_name: body.last_name, roles: [body.role], last_login_at: null };
    state.users.unshift(user);
    return user;
  },
  "PATCH /api/v1/users/:id": ({ id, body: { role, ...rest } }) => Object.assign(find(state.users, id), rest, role ? { roles: [role] } : {}),
  "POST /api/v1/users/:id/reset-password": ({ origin }) => ({ password_link: `${origin}/reset?token=4f7c1d5be2a94d`, expires_at: new Date(Date.now() + 36e5).toISOString() }),
  "GET /api/v1/workspaces": ({ query }) => page(workspaces, query),
  [`GET ${S}/cameras`]: ({ query }) => page(state.cameras, query),
  [`POST ${S}/cameras`]: ({ body }) => {
    const made = data.camera({ ...body, zones: [], source: { ...body.source, url: body.source.url.replace(/\/\/[^@/]*@/, "//***:***@") } });
    state.cameras.push(made);
    return made;
  },
  [`GET ${S}/cameras/:id`]: ({ id }) => find(state.cameras, id),
  [`PATCH ${S}/cameras/:id`]: ({ id, body }) => Object.assign(find(state.cameras, id), body, { updated_at: new Date().toISOString() }),
  [`DELETE ${S}/cameras/:id`]: ({ id }) => ((state.cameras = state.cameras.filter((one) => one.id !== id)), null),
  [`POST ${S}/cameras/:id/restart`]: () => null,
  [`POST ${S}/cameras/test`]: ({ body }) =>
    /bad|wrong/.test(body.source.url)
      ? { ok: false, error: "connection refused by 192.168.1.99:554", hint: "Is the camera switched on, and is the port right? RTSP cameras mostly listen on 554." }
      : { ok: true, width: 768, height: 576, fps: 25, codec: "h264", snapshot: `data:image/jpeg;base64,${frames[0].toString("base64")}` },
  [`PUT ${S}/cameras/:id/zones`]: ({ id, body }) => {
    const faults = body.flatMap((zone, index) =>
      zone.kind !== "line_crossing" && zone.points.length < 3 ? [{ pointer: `/${index}/points`, detail: "a polygon needs 3 distinct points" }]
      : zone.kind !== "line_crossing" && crosses(zone.points) ? [{ pointer: `/${index}/points`, detail: "the outline crosses itself" }] : []);
    if (faults.length) refuse(422, "surveillance.zone-invalid", "a zone is not valid", faults);
    return Object.assign(find(state.cameras, id), { zones: body.map((zone) => ({ ...data.zone({}), ...zone })) });
  },
  [`POST ${S}/cameras.yaml`]: ({ text }) => (text.includes("name:") ? { created: 1, updated: 2, unchanged: 3 } : refuse(422, "surveillance.yaml-invalid", "line 1: expected a list under cameras")),
  [`GET ${S}/events`]: ({ query }) => {
    const at = Number(query.get("cursor") ?? 0);
    const limit = Number(query.get("limit") ?? 20);
    const all = matching(query);
    return { items: all.slice(at, at + limit), next_cursor: at + limit < all.length ? String(at + limit) : null };
  },
  [`GET ${S}/events/:id`]: ({ id }) => find(state.events, id),
  [`POST ${S}/events/:id/acknowledge`]: ({ id, body }) => acknowledge(find(state.events, id), body.comment),
  [`POST ${S}/events/acknowledge`]: ({ body }) => ({ acknowledged: body.ids.map((id) => acknowledge(find(state.events, id), body.comment)).length }),
  [`GET ${S}/stats`]: ({ query }) => {
    const events = matching(query);
    const count = (key) => Object.entries(events.reduce((sum, event) => ({ ...sum, [key(event)]: (sum[key(event)] ?? 0) + 1 }), {}));
    return {
      cameras: { total: state.cameras.length, online: state.cameras.filter((one) => one.health.state === "online").length },
      events: { total: events.length, unacknowledged: events.filter((one) => !one.acknowledged).length, active: events.filter((one) => one.state === "active").length },
      by_kind: Object.fromEntries(count((event) => event.kind)),
      by_camera: count((event) => event.camera_name).map(([name, number]) => ({ camera_id: name, name, count: number })),
      by_hour: count((event) => `${event.started_at.slice(0, 13)}:00:00Z`).map(([hour, number]) => ({ hour, count: number })),
      by_day: count((event) => event.started_at.slice(0, 10)).map(([day, number]) => ({ day, count: number })),
    };
  },
  [`GET ${S}/models`]: ({ query }) => page(state.models, query),
  [`POST ${S}/models`]: ({ text }) => {
    if (text.length < 10_000) refuse(422, "surveillance.model-invalid", "the file is not an ONNX model: the protobuf ends after 12 bytes");
    const model = { ...(state.models[0] ?? {}), id: data.id("mdl"), name: "uploaded", sha256: "0".repeat(64), size_bytes: text.length, family: "yolox", input: [416, 416], classes: 80, active: state.models.length === 0, source: "upload", created_at: new Date().toISOString() };
    state.models.push(model);
    return model;
  },
  [`POST ${S}/models/:id/activate`]: ({ id }) => {
    state.models.forEach((model) => (model.active = model.id === id));
    return find(state.models, id);
  },
  [`DELETE ${S}/models/:id`]: ({ id }) => ((state.models = state.models.filter((one) => one.id !== id)), null),
};
Object.assign(routes, identity({ users: state.users, page, refuse, me, account, catalogue: data.PERMISSIONS, workspaces }));
Object.assign(routes, platform({ tasks: state.tasks, users: state.users, page, find, refuse, me, announce }));
Object.assign(routes, ml({ refuse, announce }));
const table = Object.entries(routes).map(([route, handler]) => {
  const [method, path] = route.split(" ");
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name);
  const pattern = path.replace(/[.]/g, "\\.").replace(/:(\w+)/g, (_, name) => (/id$/.test(name) ? "([a-z]+_[^/]+)" : "([^/]+)"));
  return { method, pattern: new RegExp(`^${pattern}$`), names, handler };
});

const server = createServer(async (request, response) => {
  const url = new URL(request.url, `http://${request.headers.host}`);
  const requestId = `req_01j9${Math.random().toString(36).slice(2, 12)}`;
  const send = (status, body, type = "application/json", headers = {}) => {
    response.writeHead(status, { "Content-Type": type, "X-Request-ID": requestId, "API-Version": "1", "Cache-Control": "no-store", ...headers });
    response.end(body);
  };
  const isMlflow = url.pathname.startsWith("/ajax-api/");
  const problem = ({ status = 500, error = "internal", message, errors }) =>
    isMlflow ? send(status, JSON.stringify({ error_code: error, message }), "application/json") : send(status, JSON.stringify({ type: `/problems/${error}`, title: "Refused", status, detail: message, error, request_id: requestId, timestamp: new Date().toISOString(), errors }), "application/problem+json");
  if (url.pathname === "/health/ready") return send(200, JSON.stringify({ status: "ready", checks: { database: "ok", storage: "ok" } }));
  if (url.pathname === "/get-artifact") return serveArtifact(url.searchParams, request, send);
  if (!isMlflow && !url.pathname.startsWith("/api/")) return file(url.pathname, response);
  try {
    const open = url.pathname === "/api/v1/installation" || url.pathname.startsWith("/api/v1/auth/") && !/\/(me|sessions|password$|workspace|security|totp|passkeys|api-keys|applications|confirm$|recovery-codes)/.test(url.pathname);
    if (!open && !signedIn && process.env.SOCLE_MOCK_SIGNED_IN !== "1") refuse(401, "unauthenticated", "sign in first");
    const media = url.pathname.match(/\/(cameras|events)\/[^/]+\/(live\.mjpeg|snapshot\.jpg|clip\.mp4)$/);
    if (media) return serveMedia(media[2], request, response, send, frameOffset(url.pathname));
    if (url.pathname.endsWith("events.csv")) return send(200, "id,camera,kind\n", "text/csv", { "Content-Disposition": "attachment" });
    if (url.pathname.endsWith("cameras.yaml") && request.method === "GET") return send(200, "cameras: []\n", "application/yaml");
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString("latin1");
    const unsafe = request.method !== "GET" && !open && process.env.SOCLE_MOCK_SIGNED_IN !== "1";
    if (unsafe && request.headers["x-csrf-token"] !== "mock") refuse(403, "identity.csrf", "the CSRF token is missing or wrong");
    for (const { method, pattern, names, handler } of table) {
      const match = method === request.method && url.pathname.match(pattern);
      if (!match) continue;
      const json = /json/.test(request.headers["content-type"] ?? "");
      const headers = {};
      let status = 200;
      const reply = {
        as(code) {
          status = code;
        },
        signIn(as) {
          signedIn = true;
          status = as;
          headers["Set-Cookie"] = "socle_csrf=mock; Path=/; SameSite=Lax";
          return me;
        },
      };
      const body = json ? JSON.parse(Buffer.concat(chunks).toString() || "{}") : {};
      const answer = await handler({ ...Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(match[index + 1])])), query: url.searchParams, body, text, reply, origin: url.origin });
      return answer === null ? send(204, undefined, "text/plain", headers) : send(status, JSON.stringify(answer), "application/json", headers);
    }
    refuse(404, "web.not-found", `${request.method} ${url.pathname} does not exist`);
  } catch (error) {
    problem(error);
  }
});

const frameOffset = (path) => [...path].reduce((sum, letter) => sum + letter.charCodeAt(0) * 7, 0);

function serveMedia(kind, request, response, send, offset) {
  const frame = () => frames[(Math.floor(Date.now() / 200) + offset) % frames.length];
  if (kind === "snapshot.jpg") return send(200, frame(), "image/jpeg");
  if (kind === "clip.mp4") {
    const range = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "");
    if (!range) return send(200, clip, "video/mp4", { "Accept-Ranges": "bytes" });
    const [from, to] = [Number(range[1]), range[2] ? Number(range[2]) : clip.length - 1];
    return send(206, clip.subarray(from, to + 1), "video/mp4", { "Content-Range": `bytes ${from}-${to}/${clip.length}`, "Accept-Ranges": "bytes" });
  }
  response.writeHead(200, { "Content-Type": "multipart/x-mixed-replace; boundary=frame", "Cache-Control": "no-store" });
  const push = () => {
    const jpeg = frame();
    response.write(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`);
    response.write(jpeg);
    response.write("\r\n");
  };
  push();
  const timer = setInterval(push, 200);
  request.on("close", () => clearInterval(timer));
}

/** As a download; and, asked so, as a page with a policy of its own for a frame. */
function serveArtifact(query, request, send) {
  const path = query.get("path");
  const inline = query.get("inline") === "true" && { "Content-Disposition": "inline", "Content-Security-Policy": "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; frame-ancestors 'self'" };
  send(200, request.method === "HEAD" ? undefined : artifact(path), path.endsWith(".html") ? "text/html" : "text/plain", inline || { "Content-Disposition": "attachment" });
}

function file(path, response) {
  let target = join(dist, normalize(path));
  if (!target.startsWith(dist) || !existsSync(target) || statSync(target).isDirectory()) target = join(dist, "index.html");
  response.writeHead(200, { "Content-Type": TYPES[extname(target)] ?? "application/octet-stream", "Content-Security-Policy": POLICY });
  createReadStream(target).pipe(response);
}

const sockets = new WebSocketServer({ server, path: "/ws" });
sockets.on("connection", (socket) => {
  const say = (message) => socket.send(JSON.stringify(message));
  say({ type: "welcome", user: me.id, offset });
  socket.rooms = new Set();
  socket.on("message", (raw) => {
    const message = JSON.parse(raw.toString());
    if (message.type === "join") {
      socket.rooms.add(message.room);
      say({ type: "joined", room: message.room, offset, presence: 1 });
    } else if (message.type === "leave") socket.rooms.delete(message.room);
    else if (message.type === "ping") say({ type: "pong" });
  });
  const frame = setInterval(() => {
    for (const room of socket.rooms) {
      if (!room.startsWith("camera:")) continue;
      const objects = [{ track_id: 3, class: "person", score: 0.82, box: [0.4, 0.4, 0.05, 0.2] }, { track_id: 5, class: "person", score: 0.7, box: [0.6, 0.4, 0.05, 0.2] }];
      say({ type: "frame", room, topic: "surveillance.frame_update", at: new Date().toISOString(), data: { camera_id: room.slice(7), width: 768, height: 576, objects, zones: [] } });
    }
  }, 1000);
  socket.on("close", () => clearInterval(frame));
});

function announce(topic, body, room = `workspace:${me.workspace.id}`) {
  offset += 1;
  const text = JSON.stringify({ type: "event", room, offset, topic, at: new Date().toISOString(), data: body });
  for (const socket of sockets.clients) if (socket.rooms?.has(room)) socket.send(text);
}

// Somebody walks into a zone now and then, wherever a camera has one.
setInterval(() => {
  const watched = state.cameras.find((one) => one.zones.length > 0 && one.health.state === "online");
  if (!watched || process.env.SOCLE_MOCK_QUIET) return;
  const made = data.event({ camera: watched, zone_name: watched.zones[0].name, kind: watched.zones[0].kind, severity: watched.zones[0].severity, started: 9000 });
  state.events.unshift(made);
  announce("surveillance.new_event", made);
}, 8000);

server.listen(port, "127.0.0.1", () => {
  console.log(`mock at http://127.0.0.1:${port}`);
  if (firstRun) console.log(`create the administrator: http://127.0.0.1:${port}/welcome?token=first`);
});
