// The shared services of the stand-in: jobs, schedules, cache, limits, settings, system, events, notifications, webhooks, mail.
import { id } from "./data.mjs";

const iso = (ago = 0) => new Date(Date.now() - ago).toISOString();
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

function seed(person) {
  const schedule = (name, description, cron, extra = {}) => ({
    name, kind: name, description, cron, time_zone: "UTC", catch_up: "once", is_paused: false, is_overridden: false,
    next_at: iso(-5 * hour), last_at: iso(19 * hour), last_task_id: id("task"), last_outcome: "succeeded", ...extra,
  });
  const setting = (key, group, title, description, kind, value, extra = {}) => ({
    key, group, title, description, kind, unit: null, min: null, max: null, choices: null, default: value, value, is_default: true, updated_at: null, updated_by: null, ...extra,
  });
  return {
    queues: [
      { name: "default", is_paused: false, slots: 4, waiting: 12, running: 2, failed: 1, oldest_waiting_s: 7 },
      { name: "mail", is_paused: true, slots: 2, waiting: 3, running: 0, failed: 0, oldest_waiting_s: 412 },
      { name: "system", is_paused: false, slots: 2, waiting: 0, running: 0, failed: 0, oldest_waiting_s: null },
    ],
    schedules: [
      schedule("jobs.prune", "Forget the results of old tasks", "15 3 * * *"),
      schedule("notifications.digest", "Send what was gathered for digests", "0 * * * *", { next_at: iso(-22 * minute), last_at: iso(38 * minute) }),
      schedule("surveillance.retention", "Remove clips that are older than they may be", "30 2 * * 1-5", { time_zone: "America/New_York", is_overridden: true, last_outcome: "failed", catch_up: "skip" }),
      schedule("identity.sweep", "Forget sessions that have ended", "*/10 * * * *", { is_paused: true, next_at: null, last_at: iso(2 * day) }),
    ],
    runs: Array.from({ length: 26 }, (_, n) => ({
      id: id("run"), planned_at: iso(19 * hour + n * day + (n === 3 ? 7 * hour : 0)), fired_at: iso(19 * hour + n * day), task_id: id("task"),
      task_state: n === 5 ? "failed" : "succeeded", reason: n === 3 ? "catch_up" : n === 8 ? "manual" : "due",
    })),
    cache: {
      engine: "redis", is_up: true, entries: 1893, memory_bytes: 4_211_300,
      namespaces: [
        { name: "identity.permissions", entries: 214, hits: 91_240, misses: 816, hit_ratio: 0.991, loads: 816, load_errors: 0, negative_hits: 12 },
        { name: "settings.values", entries: 1, hits: 40_112, misses: 26, hit_ratio: 0.999, loads: 26, load_errors: 0, negative_hits: 0 },
        { name: "surveillance.stats", entries: 38, hits: 1_204, misses: 611, hit_ratio: 0.663, loads: 611, load_errors: 2, negative_hits: 0 },
        { name: "surveillance.models", entries: 0, hits: 0, misses: 0, hit_ratio: null, loads: 0, load_errors: 0, negative_hits: 0 },
      ],
    },
    limits: {
      engine: "redis", is_up: true, is_enabled: true, trusted_networks: ["127.0.0.0/8", "10.0.0.0/8"],
      rules: [
        { name: "anonymous-day", routes: ["*"], key: "address", burst: 200, per_s: 86_400, cost: 1, refused: 41 },
        { name: "reads", routes: ["GET /api/*"], key: "user", burst: 100, per_s: 60, cost: 1, refused: 0 },
        { name: "log-in", routes: ["POST /api/v1/auth/login", "POST /api/v1/auth/session"], key: "address", burst: 5, per_s: 60, cost: 1, refused: 318 },
      ],
    },
    settings: [
      setting("installation.name", "installation", "Name of the installation", "Shown at the sign-in and in mails.", "text", "Socle", { max: 60, value: "Dépôt Nord", is_default: false, updated_at: iso(3 * day), updated_by: person }),
      setting("installation.sign_in_notice", "installation", "Notice at sign-in", "Shown above the sign-in form: terms of use, planned maintenance.", "text", "", { max: 2000 }),
      setting("installation.default_language", "installation", "Language", "For those who have not chosen one.", "choice", "en", { choices: ["en", "fr"] }),
      setting("jobs.keep_results_s", "jobs", "Keep results of tasks", "After this time a task that has ended is forgotten.", "duration_s", 604_800, { min: 3600, max: 31_536_000, unit: "s" }),
      setting("jobs.per_workspace", "jobs", "Tasks at once in a workspace", "So that one workspace cannot starve the others.", "integer", 4, { min: 1, max: 64 }),
      setting("realtime.frames", "realtime", "Send frames", "Live boxes over the picture. They cost bandwidth.", "boolean", true),
      setting("surveillance.min_score", "surveillance", "Least score", "Detections below it are not told.", "number", 0.3, { min: 0.05, max: 0.95 }),
    ],
    changes: [
      { id: id("chg"), key: "installation.name", old: "Socle", new: "Dépôt Nord", by: person, at: iso(3 * day), undo_of: null, is_undone: false },
      { id: id("chg"), key: "realtime.frames", old: false, new: null, by: "system: older than its rule", at: iso(5 * day), undo_of: "chg_01j9old", is_undone: false },
      { id: "chg_01j9old", key: "realtime.frames", old: null, new: false, by: person, at: iso(6 * day), undo_of: null, is_undone: true },
    ],
    heard: Array.from({ length: 48 }, (_, n) => ({
      offset: 100 - n, room: "workspace:ws_01j9main", at: iso(n * 47_000),
      topic: ["surveillance.new_event", "jobs.task_changed", "surveillance.camera_health", "settings.changed"][n % 4],
      data: [{ id: `evt_01j9${n}`, camera_name: "Car park", kind: "intrusion", severity: "high", confidence: 0.81 }, { id: `task_01j9${n}`, kind: "surveillance.write_clip", state: "running", progress: 40 }, { camera_id: "cam_01j9", state: "online" }, { key: "installation.name" }][n % 4],
    })),
    notifications: [
      ["surveillance.new_event", "Intrusion at Car park", "Somebody entered “Lawn” outside its hours.", "warning", 4 * minute, "/surveillance/events"],
      ["jobs.failed", "surveillance.check_model has failed for good", "Output 0 has shape [1, 1000]: this is a classifier, not a detector.", "error", 50 * minute, "/admin/tasks?state=failed"],
      ["surveillance.camera_health", "Back door is back", "It was away for 12 minutes.", "success", 3 * hour, "/surveillance"],
      ["identity.sign_in", "Sign-in from a new device", "Firefox on Linux, 192.168.1.50", "info", 2 * day, "/account"],
    ].map(([topic, title, body, level, ago, link], n) => ({ id: id("ntf"), topic, title, body, level, link, read_at: n > 1 ? iso(ago - minute) : null, created_at: iso(ago) })),
    preferences: {
      topics: [
        { topic: "surveillance.new_event", title: "Events of cameras", in_app: true, email: true }, { topic: "surveillance.camera_health", title: "A camera is lost or back", in_app: true, email: false },
        { topic: "jobs.failed", title: "A task has failed for good", in_app: true, email: true }, { topic: "identity.sign_in", title: "Sign-in from a new device", in_app: true, email: true },
      ],
      digest: "daily", digest_at: "08:00", quiet_from: "22:00", quiet_to: "07:00", time_zone: "Europe/Paris",
    },
    topics: [
      ["surveillance.new_event", "An event began"], ["surveillance.event_updated", "An event went on, ended, or was acknowledged"], ["surveillance.camera_health", "A camera was lost or is back"],
      ["jobs.task_changed", "A task began, went on, or ended"], ["settings.changed", "A setting was changed"], ["webhooks.test", "A test of this webhook"],
    ].map(([name, description]) => ({ name, description })),
    webhooks: [
      { id: id("whk"), url: "https://hooks.example.org/socle/6f2c", description: "On-call pager", topics: ["surveillance.camera_health", "surveillance.new_event"], is_enabled: true, disabled_why: null, created_at: iso(40 * day), last_delivery_at: iso(4 * minute), failing_since: null },
      { id: id("whk"), url: "https://intranet.example.org/inbox", description: "", topics: ["*"], is_enabled: true, disabled_why: null, created_at: iso(9 * day), last_delivery_at: iso(6 * hour), failing_since: iso(5 * hour) },
      { id: id("whk"), url: "https://old.example.org/", description: "The wiki", topics: ["jobs.task_changed"], is_enabled: false, disabled_why: "it answered that it is gone for good (410)", created_at: iso(200 * day), last_delivery_at: null, failing_since: null },
    ],
    deliveries: [
      ["surveillance.new_event", "pending", 2, 503, "the receiver answered 503", 2 * minute], ["surveillance.new_event", "delivered", 1, 204, null, 4 * minute],
      ["surveillance.camera_health", "failed", 8, null, "no connection to hooks.example.org:443: connection refused", 9 * hour], ["surveillance.new_event", "delivered", 1, 200, null, 26 * hour],
    ].map(([topic, status, attempts, response_status, error, ago]) => ({
      id: id("dlv"), message_id: id("msg"), topic, status, attempts, response_status, error, next_at: status === "pending" ? iso(-3 * minute) : null, created_at: iso(ago), delivered_at: status === "delivered" ? iso(ago - 900) : null,
    })),
  };
}

export function platform({ tasks, users, page, find, refuse, me, announce }) {
  const state = seed(users[1]?.id ?? me.id);
  const named = (list, name) => list.find((one) => one.name === name) ?? refuse(404, "admin.not-found", `${name} does not exist`);
  const feed = (list, query) => {
    const at = Number(query.get("cursor") ?? 0);
    const limit = Number(query.get("limit") ?? 20);
    return { items: list.slice(at, at + limit), next_cursor: at + limit < list.length ? String(at + limit) : null };
  };
  const accepted = (reply, kind) => {
    reply.as(202);
    const key = id("task");
    tasks.unshift({ id: key, kind, queue: "default", state: "succeeded", progress: 100, message: null, result: null, problem: null, attempt: 1, max_attempts: 5, created_at: iso(), started_at: iso(), finished_at: iso(), status_url: `/api/v1/tasks/${key}` });
    return { task_id: key, status: "pending", status_url: `/api/v1/tasks/${key}` };
  };
  const unread = () => state.notifications.filter((one) => one.read_at === null).length;
  const told = (topic, one) => announce(topic, { id: one?.id, workspace_id: me.workspace.id, unread_count: unread() }, `user:${me.id}`);
  const setting = (key) => state.settings.find((one) => one.key === key) ?? refuse(404, "settings.not-found", `${key} does not exist`);
  const fits = (one, value) =>
    one.kind === "boolean" ? typeof value === "boolean"
    : one.kind === "text" ? typeof value === "string" && value.length <= one.max
    : one.kind === "choice" ? one.choices.includes(value)
    : typeof value === "number" && value >= one.min && value <= one.max && (one.kind === "number" || Number.isInteger(value));
  const put = (one, value, undo_of = null) => {
    const old = one.is_default ? null : one.value;
    Object.assign(one, { value: value ?? one.default, is_default: value === null, updated_at: iso(), updated_by: me.id });
    state.changes.unshift({ id: id("chg"), key: one.key, old, new: value, by: me.id, at: iso(), undo_of, is_undone: false });
    announce("settings.changed", { key: one.key });
    return one;
  };
  const webhook = ({ url = "", topics = [] }) => {
    const errors = [];
    if (!/^https?:\/\/[^/]+/.test(url)) errors.push({ pointer: "/url", detail: "is not an http or https address" });
    if (topics.length === 0) errors.push({ pointer: "/topics", detail: "must name a topic, or * for all" });
    if (errors.length) refuse(422, "notifications.webhook-invalid", "the webhook is not valid", errors);
  };
  const deliver = (topic) => {
    const made = { id: id("dlv"), message_id: id("msg"), topic, status: "delivered", attempts: 1, response_status: 204, error: null, next_at: null, created_at: iso(), delivered_at: iso() };
    state.deliveries.unshift(made);
    return made;
  };
  const secret = () => `whsec_${Buffer.from(`made-up ${Math.random()} secret`).toString("base64")}`;
  return {
    "GET /api/v1/tasks": ({ query }) => page(tasks.filter((task) => ["state", "kind", "queue"].every((name) => !query.get(name) || task[name] === query.get(name))), query),
    "GET /api/v1/tasks/:id": (request) => find(tasks, request.id),
    "POST /api/v1/tasks/:id/cancel": (request) => Object.assign(find(tasks, request.id), { state: "cancelled" }),
    "POST /api/v1/tasks/:id/retry": (request) => Object.assign(find(tasks, request.id), { state: "pending", progress: 0, problem: null }),
    "DELETE /api/v1/tasks/:id": (request) => (tasks.splice(tasks.indexOf(find(tasks, request.id)), 1), null),
    "GET /api/v1/queues": () => ({ items: state.queues }),
    "POST /api/v1/queues/:name/pause": ({ name }) => Object.assign(named(state.queues, name), { is_paused: true }),
    "POST /api/v1/queues/:name/resume": ({ name }) => Object.assign(named(state.queues, name), { is_paused: false }),
    "GET /api/v1/schedules": () => ({ items: state.schedules }),
    "GET /api/v1/schedules/:name": ({ name }) => named(state.schedules, name),
    "PATCH /api/v1/schedules/:name": ({ name, body }) => {
      if (body.cron && body.cron.trim().split(/\s+/).length < 5) refuse(422, "jobs.schedule-invalid", "the schedule is not valid", [{ pointer: "/cron", detail: "must have five parts: minute, hour, day, month, weekday" }]);
      if (body.time_zone && !/^(UTC|\w+\/\w+)/.test(body.time_zone)) refuse(422, "jobs.schedule-invalid", "the schedule is not valid", [{ pointer: "/time_zone", detail: `${body.time_zone} is not a time zone` }]);
      return Object.assign(named(state.schedules, name), body, { is_overridden: true }, body.is_paused === undefined ? {} : { next_at: body.is_paused ? null : iso(-5 * hour) });
    },
    "DELETE /api/v1/schedules/:name/overrides": ({ name }) => Object.assign(named(state.schedules, name), { is_overridden: false, is_paused: false, time_zone: "UTC" }),
    "POST /api/v1/schedules/:name/run": ({ name, reply }) => {
      const answer = accepted(reply, name);
      state.runs.unshift({ id: id("run"), planned_at: iso(), fired_at: iso(), task_id: answer.task_id, task_state: "succeeded", reason: "manual" });
      return answer;
    },
    "GET /api/v1/schedules/:name/runs": ({ query }) => feed(state.runs, query),
    "GET /api/v1/cache": () => state.cache,
    "DELETE /api/v1/cache": () => {
      const removed = state.cache.entries;
      state.cache.entries = 0;
      state.cache.namespaces.forEach((one) => (one.entries = 0));
      return { removed };
    },
    "DELETE /api/v1/cache/:namespace": ({ namespace }) => {
      const one = named(state.cache.namespaces, namespace);
      const removed = one.entries;
      one.entries = 0;
      return { removed };
    },
    "GET /api/v1/limits": () => state.limits,
    "GET /api/v1/settings": () => ({ items: state.settings }),
    "PUT /api/v1/settings/:key": ({ key, body }) => {
      const one = setting(key);
      if (!fits(one, body.value)) refuse(422, "settings.invalid", `${key} does not take this value`, [{ pointer: "/value", detail: one.choices ? `must be one of ${one.choices.join(", ")}` : `must be from ${one.min} to ${one.max}` }]);
      return put(one, body.value);
    },
    "DELETE /api/v1/settings/:key": ({ key }) => put(setting(key), null),
    "GET /api/v1/settings/changes": ({ query }) => feed(state.changes.filter((one) => !query.get("key") || one.key === query.get("key")), query),
    "POST /api/v1/settings/changes/:id/undo": (request) => {
      const change = find(state.changes, request.id);
      const latest = state.changes.find((one) => one.key === change.key && !one.is_undone);
      if (latest !== change && request.query.get("force") !== "true") refuse(409, "settings.changed-since", `${change.key} was changed again since`);
      change.is_undone = true;
      return put(setting(change.key), change.old, change.id);
    },
    "GET /api/v1/installation": () => ({ name: setting("installation.name").value, sign_in_notice: setting("installation.sign_in_notice").value, default_language: "en", registration_open: false }),
    "GET /api/v1/system": () => ({
      version: "0.1.0", started_at: iso(2e8), uptime_s: 2e5, engine: "postgresql", roles: ["web", "worker", "camera"],
      components: [
        { name: "database", status: "ok", detail: "PostgreSQL 17, 12 MB", required: true }, { name: "storage", status: "ok", detail: "local folder, 182 GB free", required: true },
        { name: "redis", status: "degraded", detail: "not reachable; going on with the local cache", required: false },
      ],
      process: { memory_bytes: 63_400_000, cpu_seconds: 812, threads: 14, open_files: 51 }, disk: { size_bytes: 250e9, free_bytes: 31e9 },
      modules: [{ name: "identity", permissions: [], topics: [] }, { name: "surveillance", permissions: [], topics: [] }],
      redis: { is_configured: true, is_up: false }, database: { engine: "postgresql", connections: 10, idle: 7, waiting: 0 },
      breakers: [
        { name: "webhooks hooks.example.org", state: "closed", failures: 0, opened_at: null }, { name: "smtp mail.example.org", state: "half_open", failures: 5, opened_at: iso(4 * minute) },
        { name: "webhooks intranet.example.org", state: "open", failures: 12, opened_at: iso(9 * minute) },
      ],
      nodes: [
        { id: "node-a-4f21", roles: ["web"], version: "0.1.0", started_at: iso(2e8), seen_at: iso(3000) }, { id: "node-b-77c0", roles: ["worker", "camera"], version: "0.1.0", started_at: iso(9e7), seen_at: iso(5000) },
      ],
    }),
    "GET /api/v1/realtime/events": ({ query }) => feed(state.heard.filter((one) => !query.get("topic") || one.topic === query.get("topic")), query),
    "GET /api/v1/notifications": ({ query }) => feed(state.notifications.filter((one) => query.get("unread") !== "true" || one.read_at === null), query),
    "GET /api/v1/notifications/unread_count": () => ({ count: unread() }),
    "POST /api/v1/notifications/:id/read": (request) => {
      const one = Object.assign(find(state.notifications, request.id), { read_at: iso() });
      told("notifications.read", one);
      return one;
    },
    "POST /api/v1/notifications/read_all": () => {
      state.notifications.forEach((one) => (one.read_at ??= iso()));
      told("notifications.read");
      return { count: 0 };
    },
    "DELETE /api/v1/notifications/:id": (request) => (state.notifications.splice(state.notifications.indexOf(find(state.notifications, request.id)), 1), null),
    "GET /api/v1/notifications/preferences": () => state.preferences,
    "PUT /api/v1/notifications/preferences": ({ body }) => (state.preferences = body),
    "GET /api/v1/topics": () => ({ items: state.topics }),
    "GET /api/v1/webhooks": () => ({ items: state.webhooks }),
    "POST /api/v1/webhooks": ({ body, reply }) => {
      webhook(body);
      const made = { id: id("whk"), url: body.url, description: body.description ?? "", topics: body.topics, is_enabled: true, disabled_why: null, created_at: iso(), last_delivery_at: null, failing_since: null };
      state.webhooks.unshift(made);
      reply.as(201);
      return { ...made, secret: secret() };
    },
    "GET /api/v1/webhooks/:id": (request) => find(state.webhooks, request.id),
    "PATCH /api/v1/webhooks/:id": (request) => {
      const one = find(state.webhooks, request.id);
      webhook({ ...one, ...request.body });
      return Object.assign(one, request.body);
    },
    "DELETE /api/v1/webhooks/:id": (request) => (state.webhooks.splice(state.webhooks.indexOf(find(state.webhooks, request.id)), 1), null),
    "POST /api/v1/webhooks/:id/rotate_secret": () => ({ secret: secret() }),
    "POST /api/v1/webhooks/:id/test": ({ reply }) => (deliver("webhooks.test"), accepted(reply, "notifications.deliver")),
    "GET /api/v1/webhooks/:id/deliveries": ({ query }) => feed(state.deliveries, query),
    "GET /api/v1/webhooks/:id/deliveries/:delivery_id": ({ delivery_id }) => {
      const one = find(state.deliveries, delivery_id);
      return { ...one, payload: JSON.stringify({ type: one.topic, timestamp: one.created_at, data: { camera_name: "Car park", kind: "intrusion" } }), response_body: one.response_status === 503 ? "upstream is restarting\n" : null };
    },
    "POST /api/v1/webhooks/:id/deliveries/:delivery_id/redeliver": ({ delivery_id, reply }) => (deliver(find(state.deliveries, delivery_id).topic), accepted(reply, "notifications.deliver")),
    "POST /api/v1/mock/notify": ({ body }) => {
      const one = { id: id("ntf"), topic: "notifications.message", title: body.title, body: "", level: "info", link: null, read_at: null, created_at: iso() };
      state.notifications.unshift(one);
      told("notifications.created", one);
      return one;
    },
    "GET /api/v1/mail": () => ({ is_configured: true, from: "Socle <socle@example.org>" }),
    "POST /api/v1/mail/test": ({ reply }) => accepted(reply, "notifications.send_mail"),
  };
}
