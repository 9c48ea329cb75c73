// Made-up state for developing the console without a server: shaped as docs/api/openapi.json says.
const hour = 3_600_000;
const iso = (ago) => new Date(Date.now() - ago).toISOString();
let serial = 1000;
export const id = (prefix) => `${prefix}_01j9${(serial += 7).toString(36).padStart(6, "0")}`;

export const PERMISSIONS = [
  "identity.users.read", "identity.users.write", "identity.roles.write", "identity.audit.read", "identity.workspace.write", "identity.workspaces.write",
  "identity.quotas.read", "identity.quotas.write", "identity.service_accounts.read", "identity.service_accounts.write",
  "identity.clients.read", "identity.clients.write", "identity.signing_keys.read", "identity.signing_keys.write",
  "admin.tasks.read", "admin.tasks.write", "admin.queues.read", "admin.queues.write", "admin.system.read", "admin.schedules.read", "admin.schedules.write", "admin.cache.read", "admin.cache.write",
  "admin.limits.read", "admin.settings.read", "admin.settings.write", "admin.events.read",
  "notifications.webhooks.read", "notifications.webhooks.write", "notifications.mail.read", "notifications.mail.write",
  "ml.runs.read", "ml.runs.write", "ml.models.read", "ml.models.write",
  "surveillance.cameras.read", "surveillance.cameras.write", "surveillance.events.read",
  "surveillance.events.acknowledge", "surveillance.models.write",
];

function health(state, extra = {}) {
  const on = state === "online";
  return {
    state, message: null, fps_in: on ? 24.9 : 0, fps_analysed: on ? 5 : 0, last_frame_at: iso(180), last_frame_age_ms: on ? 180 : 42_000,
    bitrate_bps: on ? 1_840_000 : 0, restarts: 0, width: 768, height: 576, detector: "yolox_nano_416", since: iso(5 * hour), ...extra,
  };
}

export function zone(input) {
  return {
    id: id("zon"), classes: ["person"], dwell_ms: 500, loiter_ms: 30_000, direction: "both", cooldown_ms: 10_000, min_score: 0.3,
    severity: "medium", enabled: true, hours: [], ...input,
  };
}

export function camera(input) {
  return {
    id: id("cam"), fps: 5, width: null, height: null, enabled: true, record: "events",
    detection: { min_score: 0.3, every_n: 1, classes: ["person"], model: "auto" },
    zones: [], health: health("online"), created_at: iso(90 * hour), updated_at: iso(4 * hour), ...input,
  };
}

const rtsp = (host) => ({ kind: "rtsp", url: `rtsp://***:***@${host}:554/stream1`, transport: "tcp" });

export function seed() {
  const cameras = [
    camera({
      name: "Car park", source: rtsp("192.168.1.20"),
      zones: [
        zone({ name: "Lawn", kind: "intrusion", severity: "high", points: [[0.32, 0.42], [0.62, 0.36], [0.78, 0.62], [0.4, 0.78]], hours: [{ days: [1, 2, 3, 4, 5], from: "20:00", to: "07:00" }] }),
        zone({ name: "Path", kind: "line_crossing", direction: "a_to_b", severity: "low", points: [[0.12, 0.86], [0.34, 0.95]] }),
      ],
    }),
    camera({ name: "Main entrance", source: rtsp("192.168.1.21"), zones: [zone({ name: "Door", kind: "loitering", points: [[0.2, 0.3], [0.5, 0.3], [0.5, 0.8], [0.2, 0.8]] })] }),
    camera({ name: "Back door", source: rtsp("192.168.1.22"), health: health("reconnecting", { message: "connection refused by 192.168.1.22:554; next attempt in 8 s", restarts: 14 }) }),
    camera({ name: "Warehouse", source: { kind: "file", url: "/srv/recordings/warehouse.mp4", loop: true, real_time: true } }),
    camera({ name: "Reception", source: { kind: "http", url: "http://192.168.1.30/video.mjpg" } }),
    camera({ name: "Old archive", source: { kind: "file", url: "/srv/recordings/archive.mp4", loop: false, real_time: false }, enabled: false, health: health("stopped") }),
  ];
  const user = (first, last, role, extra = {}) => ({
    id: id("usr"), email: `${first}.${last}@example.org`.toLowerCase().normalize("NFD").replace(/[^a-z0-9.@]/g, ""), first_name: first, last_name: last,
    is_active: true, is_verified: true, roles: [role], created_at: iso(900 * hour), updated_at: iso(90 * hour), last_login_at: iso(3 * hour), ...extra,
  });
  const users = [
    user("Camille", "Aubert", "admin"), user("Noor", "Haddad", "operator"), user("Jonas", "Weber", "operator", { last_login_at: iso(70 * hour) }),
    user("Inès", "Morel", "user", { is_active: false, last_login_at: null }),
    ...Array.from({ length: 23 }, (_, n) => user(["Ada", "Bruno", "Chloé", "Dario", "Elsa"][n % 5], `Martin${n + 1}`, "user", { last_login_at: n % 4 ? iso(n * 20 * hour) : null })),
  ];
  const kinds = ["intrusion", "intrusion", "line_crossing", "loitering", "intrusion"];
  const severities = ["high", "medium", "low", "medium", "high"];
  const events = Array.from({ length: 64 }, (_, index) => {
    const source = cameras[[0, 0, 1, 3, 0, 4][index % 6]];
    const started = (index ** 1.7) * 4 * 60_000 + 40_000;
    return event({
      camera: source, zone_name: source.zones[0]?.name ?? null, kind: kinds[index % 5], severity: severities[(index * 3) % 5], started, active: index === 0,
      acknowledged: index > 4 && index % 3 !== 0 ? { at: iso(started - 60_000), by: users[index % 2].id, comment: index % 2 ? "Delivery, all right." : null } : null,
    });
  });
  const task = (kind, state, progress, extra = {}) => {
    const key = id("task");
    return { id: key, kind, queue: kind.startsWith("surveillance") ? "default" : "system", state, progress, message: null, result: null, problem: null, attempt: 1, max_attempts: 5, created_at: iso(hour / 6), started_at: iso(hour / 7), finished_at: null, status_url: `/api/v1/tasks/${key}`, ...extra };
  };
  const tasks = [
    task("surveillance.write_clip", "running", 64, { message: "writing segment 3 of 5" }),
    task("surveillance.write_clip", "pending", 0),
    task("surveillance.check_model", "failed", 30, { attempt: 5, problem: { type: "/problems/surveillance.model-invalid", title: "Unprocessable", status: 422, detail: "output 0 has shape [1, 1000]: this is a classifier, not a detector", error: "surveillance.model-invalid", request_id: "req_01j9x", timestamp: iso(0) } }),
    task("surveillance.retention", "succeeded", 100, { created_at: iso(9 * hour), message: "212 clips kept, 40 removed" }),
    task("surveillance.write_clip", "retrying", 10, { attempt: 2, message: "disk is full; next attempt in 30 s" }),
  ];
  const models = [
    { id: id("mdl"), name: "yolox_nano_416", sha256: "695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14", size_bytes: 3_660_092, family: "yolox", input: [416, 416], classes: 80, active: true, source: "upload", created_at: iso(50 * hour) },
    { id: id("mdl"), name: "person_yolox_192", sha256: "4bf5f704cd3bd900645a4303e0934ede13d9fb2135058b38005f4c2886c68576", size_bytes: 3_616_703, family: "yolox", input: [192, 192], classes: 1, active: false, source: "upload", created_at: iso(20 * hour) },
  ];
  return { cameras, events, users, tasks, models };
}

export function event({ camera: source, zone_name = null, kind, severity, started, active = false, acknowledged = null }) {
  const key = id("evt");
  const lasted = 8000 + (serial % 9) * 3100;
  return {
    id: key, camera_id: source.id, camera_name: source.name, zone_id: source.zones[0]?.id ?? null, zone_name, kind, severity,
    confidence: 0.62 + (serial % 30) / 100, class: "person", state: active ? "active" : "ended", started_at: iso(started), last_seen_at: iso(started - lasted),
    ended_at: active ? null : iso(started - lasted), track_ids: [17 + (serial % 40)], acknowledged,
    snapshot_url: `/api/v1/surveillance/events/${key}/snapshot.jpg`, clip_url: active ? null : `/api/v1/surveillance/events/${key}/clip.mp4`, clip_state: active ? "recording" : "ready",
    evidence: {
      rule: { kind, dwell_ms: 500, min_score: 0.3, cooldown_ms: 10_000, anchor: "bottom" },
      polyline: [[0.18, 0.62], [0.24, 0.6], [0.31, 0.58], [0.37, 0.57], [0.43, 0.56], [0.5, 0.53], [0.55, 0.51]],
      box: [0.52, 0.31, 0.07, 0.21], scores: [0.78], dwell_ms: 6400, model: "695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14",
      key_frame_at: iso(started - 2000),
    },
  };
}

export { health };
