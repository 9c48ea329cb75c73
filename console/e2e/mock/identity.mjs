// Identity of the stand-in: ways in, one's account, the workspace, and what administrators see of both.
import { id } from "./data.mjs";

const iso = (ago = 0) => new Date(Date.now() - ago).toISOString();
const hour = 3_600_000;
const day = 24 * hour;

// A picture that looks like a QR code; nothing can be read from it.
const qr = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 29 29" shape-rendering="crispEdges"><rect width="29" height="29" fill="#fff"/><path fill="#000" d="${Array.from({ length: 400 }, (_, n) => `M${(n * 7) % 29} ${Math.floor((n * 7) / 29) % 29}h1v1h-1z`).join("")}"/></svg>`;
const codes = () => Array.from({ length: 10 }, (_, n) => `k${n}f3-9x${n}q-m${n}tz`);

export function identity({ users, page, refuse, me, account, catalogue, workspaces }) {
  const state = {
    totp: null,
    recovery: 0,
    passkeys: [{ id: id("pky"), name: "Firefox, Linux", created_at: iso(40 * day), last_used_at: iso(2 * hour) }],
    confirmed: false,
    apiKeys: [
      { id: id("key"), name: "Nightly export", prefix: "socle_Xk2v9q", scopes: ["read"], created_at: iso(80 * day), expires_at: iso(-10 * day), last_used_at: iso(9 * hour) },
      { id: id("key"), name: "Door controller", prefix: "socle_p0Qw7z", scopes: ["surveillance.events.read"], created_at: iso(4 * day), expires_at: null, last_used_at: null },
    ],
    applications: [{ id: "cli_01j9reader", client: { id: "cli_01j9reader", name: "Notebook reader", uri: "https://reader.example.org", logo_uri: null, registered_by_itself: true }, scopes: ["openid", "profile", "read"], granted_at: iso(12 * day), last_seen_at: iso(3 * hour) }],
    clients: [
      { id: "cli_01j9reader", scopes: ["openid", "profile", "read"], grant_types: ["authorization_code"], client_uri: "https://reader.example.org", is_active: true, last_used_at: null, name: "Notebook reader", kind: "public", redirect_uris: ["http://127.0.0.1/callback"], registered_by_itself: true, created_at: iso(12 * day) },
      { id: "cli_01j9portal", scopes: ["openid", "email"], grant_types: ["authorization_code"], client_uri: null, is_active: true, last_used_at: null, name: "Staff portal", kind: "confidential", redirect_uris: ["https://portal.example.org/oidc/callback"], registered_by_itself: false, created_at: iso(90 * day) },
    ],
    services: [
      { id: id("usr"), name: "Door controller", role: "operator", scopes: ["surveillance.events.read"], is_active: true, created_at: iso(60 * day), last_used_at: iso(5 * 60_000), secrets: [{ id: id("sec"), prefix: "soclesec_Ab3", expires_at: null, created_at: iso(60 * day), last_used_at: iso(5 * 60_000) }] },
      { id: id("usr"), name: "Old export", role: "user", scopes: ["read"], is_active: false, created_at: iso(300 * day), last_used_at: null, secrets: [] },
    ],
    signing: [
      { id: "2026-11-k3", algorithm: "ES256", created_at: iso(10 * day), state: "signing", active_from: iso(10 * day) },
      { id: "2026-08-k2", algorithm: "ES256", created_at: iso(100 * day), state: "verifying", active_from: iso(100 * day) },
    ],
    invitations: [
      { id: id("inv"), email: "sam.lee@example.org", role: "operator", invited_by: users[0]?.id ?? null, locale: "en", sent_at: iso(day), is_expired: false, created_at: iso(day), expires_at: iso(-6 * day) },
      { id: id("inv"), email: "late@example.org", role: "user", invited_by: null, locale: "fr", sent_at: iso(9 * day), is_expired: true, created_at: iso(9 * day), expires_at: iso(2 * day) },
    ],
    roles: [
      ...["admin", "operator", "teacher", "student", "user"].map((name) => ({ name, description: name, permissions: name === "admin" ? catalogue : catalogue.filter((one) => /read$/.test(one)), is_built_in: true })),
      { name: "night-shift", description: "Watches at night, without the keys of the house", permissions: ["surveillance.events.read", "surveillance.events.acknowledge", "surveillance.cameras.read"], is_built_in: false },
    ],
    quotas: [
      { resource: "cameras", label: { en: "Cameras", fr: "Caméras" }, unit: "cameras", used: 6, limit: 8, per: null, resets_at: null },
      { resource: "storage_bytes", label: { en: "Storage", fr: "Stockage" }, unit: "bytes", used: 42_300_000_000, limit: 50_000_000_000, per: null, resets_at: null },
      { resource: "jobs", label: { en: "Jobs", fr: "Travaux" }, unit: "jobs", used: 1000, limit: 1000, per: "day", resets_at: iso(-5 * hour) },
      { resource: "model_tokens", label: { en: "Model tokens", fr: "Jetons de modèle" }, unit: "tokens", used: 18_240, limit: null, per: "day", resets_at: iso(-5 * hour) },
    ],
    spaces: workspaces.map((one, index) => ({ ...one, is_first: index === 0, members: 27 - index * 20, created_at: iso(400 * day), updated_at: iso(3 * day), deleted_at: null })),
    pending: null,
  };
  const entry = (seq, action, extra = {}) => ({ id: id("aud"), at: iso(seq * 1.7 * hour), actor_id: me.id, actor_email: me.email, action, target: null, address: "192.168.1.50", request_id: `req_01j9${seq}`, detail: {}, ...extra });
  const audit = [
    entry(0, "identity.role-given", { target: users[1]?.id, detail: { role: "operator" } }),
    entry(1, "identity.user-updated", { target: users[2]?.id, detail: { before: { first_name: "Jon", is_active: false }, after: { first_name: "Jonas", is_active: true } } }),
    entry(2, "identity.login-failed", { actor_id: null, actor_email: null, address: "203.0.113.9", detail: { email: "root@example.org" } }),
    entry(3, "admin.setting-changed", { target: "installation.name", detail: { before: { value: "Socle" }, after: { value: "Dépôt Nord" } } }),
    entry(4, "identity.login"),
  ];
  const security = () => ({ password: true, totp: { enabled: state.totp !== null, since: state.totp }, recovery_codes_left: state.recovery, passkeys: state.passkeys.length, passkeys_work: true, second_factor_required: false, providers: [{ id: "campus", name: "Campus", email: me.email, linked_at: iso(30 * day) }], confirmed_until: null });
  const recent = () => state.confirmed || refuse(403, "identity.confirm-first", "show again who you are");
  const at = (list, key, name = "id") => list.find((one) => one[name] === key) ?? refuse(404, "identity.not-found", `${key} does not exist`);
  const without = (list, key, name = "id") => list.splice(list.indexOf(at(list, key, name)), 1) && null;
  const asked = (name) => ({ client: { name, uri: "https://reader.example.org", logo_uri: null, registered_by_itself: true }, scopes: [{ name: "openid", description: "who you are" }, { name: "profile", description: "name" }, { name: "read", description: "read" }, { name: "offline_access", description: "stay" }], redirect_host: "127.0.0.1:8123", workspace: me.workspace, expires_at: iso(-600_000), already_granted: false });
  const person = (key) => at(users, key);
  const sealed = (body) => {
    if (!/[A-Z]|-/.test(body.user_code ?? "")) refuse(404, "oauth.unknown-code", "there is no such code, or it has expired");
    return asked("Command line");
  };
  Object.assign(me, { pending_email: null });
  for (const user of users) Object.assign(user, { kind: "person", deleted_at: null });
  if (users[5]) Object.assign(users[5], { is_verified: false });
  return {
    "GET /api/v1/auth/options": () => ({ registration: "open", password_reset: true, passkeys: true, providers: [{ id: "campus", name: "Campus" }, { id: "partner", name: "Partner login" }] }),
    "POST /api/v1/auth/register": ({ body, reply }) => (body.password.length < 8 ? refuse(422, "identity.invalid", "the password is too short", [{ pointer: "/password", detail: "must have 8 characters" }]) : reply.as(202), { status: "pending", message: "" }),
    "POST /api/v1/auth/verify": ({ body }) => (body.token === "0" ? refuse(410, "identity.link-refused", "the link does not work") : null),
    "POST /api/v1/auth/verify/resend": () => ({ status: "pending", message: "" }),
    "POST /api/v1/auth/forgot": () => ({ status: "pending", message: "" }),
    "POST /api/v1/auth/password/strength": ({ body }) => ({ score: Math.min(4, Math.floor(body.password.length / 4)), guesses_log10: 9, warning: body.password.length < 12 ? "A word by itself is easy to guess." : null, suggestions: ["Add another word or two. Uncommon words are better."], refused: /^(password|12345678)$/.test(body.password) ? "common" : null }),
    "POST /api/v1/auth/email/confirm": ({ body }) => (body.token === "0" ? refuse(410, "identity.link-refused", "the link does not work") : { done: false, waiting_for: "new" }),
    "POST /api/v1/auth/email": ({ body }) => (recent(), Object.assign(me, { pending_email: body.new_email }), null),
    "DELETE /api/v1/auth/email": () => (Object.assign(me, { pending_email: null }), null),
    "POST /api/v1/auth/invitation": ({ body }) => (body.token === "0" ? refuse(410, "identity.link-refused", "the link does not work") : { workspace: "Dépôt Nord", inviter: "Camille Aubert", email: "sam.lee@example.org", role: "operator", has_account: body.token === "known", expires_at: iso(-6 * day) }),
    "POST /api/v1/auth/invitation/accept": () => null,
    "POST /api/v1/auth/passkey/start": () => ({ challenge: "c1", options: { publicKey: { challenge: "AQIDBAUGBwgJCgsMDQ4PEA", rpId: "127.0.0.1", allowCredentials: [], userVerification: "required" } } }),
    "DELETE /api/v1/auth/me": ({ body }) => (body.current_password === account.password ? null : refuse(422, "identity.wrong-password", "the current password is wrong", [{ pointer: "/current_password", detail: "the current password is wrong" }])),
    "GET /api/v1/auth/security": security,
    "POST /api/v1/auth/confirm": ({ body }) => (body.password === account.password || body.code === "123456" ? ((state.confirmed = true), null) : refuse(422, "identity.wrong-password", "the password is wrong")),
    "POST /api/v1/auth/totp": () => (recent(), { secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", uri: "otpauth://totp/Socle", qr_svg: qr }),
    "POST /api/v1/auth/totp/confirm": ({ body }) => (body.code === "123456" ? ((state.totp = iso()), (state.recovery = 10), { recovery_codes: codes() }) : refuse(422, "identity.wrong-code", "the code is wrong")),
    "DELETE /api/v1/auth/totp": () => (recent(), (state.totp = null), (state.recovery = 0), null),
    "POST /api/v1/auth/recovery-codes": () => (recent(), (state.recovery = 10), { recovery_codes: codes() }),
    "GET /api/v1/auth/passkeys": ({ query }) => page(state.passkeys, query),
    "PATCH /api/v1/auth/passkeys/:id": ({ id: key, body }) => Object.assign(at(state.passkeys, key), body),
    "DELETE /api/v1/auth/passkeys/:id": ({ id: key }) => (recent(), without(state.passkeys, key)),
    "GET /api/v1/auth/api-keys": ({ query }) => page(state.apiKeys, query),
    "POST /api/v1/auth/api-keys": ({ body, reply }) => {
      recent();
      const made = { id: id("key"), prefix: "socle_a1b2c3", created_at: iso(), last_used_at: null, ...body };
      state.apiKeys.unshift(made);
      reply.as(201);
      return { ...made, key: "socle_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0u1v2w3x4" };
    },
    "DELETE /api/v1/auth/api-keys/:id": ({ id: key }) => without(state.apiKeys, key),
    "GET /api/v1/auth/applications": ({ query }) => page(state.applications, query),
    "DELETE /api/v1/auth/applications/:client_id": ({ client_id }) => without(state.applications, client_id),
    "GET /api/v1/oauth/requests/:id": ({ id: key }) => (key.endsWith("gone") ? refuse(404, "oauth.unknown-request", "there is no such request, or it has expired") : asked("Notebook reader")),
    "POST /api/v1/oauth/requests/:id/approve": ({ origin }) => ({ redirect_to: `${origin}/account` }),
    "POST /api/v1/oauth/requests/:id/deny": ({ origin }) => ({ redirect_to: `${origin}/account` }),
    "POST /api/v1/oauth/device/lookup": ({ body }) => sealed(body),
    "POST /api/v1/oauth/device/approve": () => null,
    "POST /api/v1/oauth/device/deny": () => null,
    "GET /api/v1/oauth/clients": ({ query }) => page(state.clients, query),
    "POST /api/v1/oauth/clients": ({ body, reply }) => {
      const made = { id: id("cli"), scopes: ["openid"], is_active: true, last_used_at: null, registered_by_itself: false, created_at: iso(), ...body };
      state.clients.unshift(made);
      reply.as(201);
      return { ...made, client_secret: body.kind === "confidential" ? "soclesec_0123456789" : null };
    },
    "PATCH /api/v1/oauth/clients/:id": ({ id: key, body }) => Object.assign(at(state.clients, key), body),
    "DELETE /api/v1/oauth/clients/:id": ({ id: key }) => without(state.clients, key),
    "POST /api/v1/oauth/clients/:id/secret": () => ({ client_secret: "soclesec_9876543210" }),
    "GET /api/v1/service-accounts": ({ query }) => page(state.services, query),
    "POST /api/v1/service-accounts": ({ body, reply }) => {
      const made = { id: id("usr"), is_active: true, created_at: iso(), last_used_at: null, secrets: [], ...body };
      state.services.unshift(made);
      reply.as(201);
      return made;
    },
    "GET /api/v1/service-accounts/:id": ({ id: key }) => at(state.services, key),
    "PATCH /api/v1/service-accounts/:id": ({ id: key, body }) => Object.assign(at(state.services, key), body),
    "DELETE /api/v1/service-accounts/:id": ({ id: key }) => without(state.services, key),
    "POST /api/v1/service-accounts/:id/secrets": ({ id: key }) => {
      const made = { id: id("sec"), prefix: "soclesec_0a1", expires_at: null, created_at: iso(), last_used_at: null };
      at(state.services, key).secrets.push(made);
      return { ...made, client_secret: "soclesec_0a1b2c3d4e5f6g7h8i9j" };
    },
    "DELETE /api/v1/service-accounts/:id/secrets/:secret_id": ({ id: key, secret_id }) => without(at(state.services, key).secrets, secret_id),
    "GET /api/v1/signing-keys": ({ query }) => page(state.signing, query),
    "POST /api/v1/signing-keys/rotate": () => {
      state.signing[0] = { ...state.signing[0], state: "verifying" };
      state.signing.unshift({ id: id("kid"), algorithm: "ES256", created_at: iso(), state: "signing", active_from: iso() });
      return page(state.signing, new URLSearchParams());
    },
    "GET /api/v1/invitations": ({ query }) => page(state.invitations, query),
    "POST /api/v1/invitations": ({ body, reply }) => {
      const made = { id: id("inv"), email: body.email, role: body.role, invited_by: me.id, locale: body.locale, sent_at: iso(), is_expired: false, created_at: iso(), expires_at: iso(-7 * day) };
      state.invitations.unshift(made);
      reply.as(201);
      return made;
    },
    "POST /api/v1/invitations/:id/resend": ({ id: key }) => at(state.invitations, key),
    "DELETE /api/v1/invitations/:id": ({ id: key }) => without(state.invitations, key),
    "GET /api/v1/roles": ({ query }) => page(state.roles, query),
    "POST /api/v1/roles": ({ body, reply }) => (reply.as(201), state.roles.push({ ...body, is_built_in: false }), state.roles.at(-1)),
    "GET /api/v1/roles/:name": ({ name }) => at(state.roles, name, "name"),
    "PATCH /api/v1/roles/:name": ({ name, body }) => Object.assign(at(state.roles, name, "name"), body),
    "DELETE /api/v1/roles/:name": ({ name }) => without(state.roles, name, "name"),
    "GET /api/v1/permissions": ({ query }) => page(catalogue.map((name) => ({ name, description: name, module: name.split(".")[0], installation: /^admin\.|workspaces|signing/.test(name) })), query),
    "PUT /api/v1/users/:id/roles/:name": ({ id: key, name }) => (person(key).roles.push(name), person(key)),
    "DELETE /api/v1/users/:id/roles/:name": ({ id: key, name }) => {
      const user = person(key);
      if (user.roles.length === 1) refuse(409, "identity.last-role", "a member has at least one role");
      return Object.assign(user, { roles: user.roles.filter((one) => one !== name) });
    },
    "DELETE /api/v1/members/:id": ({ id: key }) => without(users, key),
    "DELETE /api/v1/users/:id": ({ id: key }) => (Object.assign(person(key), { deleted_at: iso() }), null),
    "POST /api/v1/users/:id/restore": ({ id: key }) => Object.assign(person(key), { deleted_at: null }),
    "POST /api/v1/users/:id/purge": ({ id: key }) => without(users, key),
    "GET /api/v1/users/:id/sessions": ({ query }) => page([{ id: "ses_9", kind: "browser", client: null, device: "Mozilla/5.0 (iPhone) Version/18.5 Mobile Safari/604.1", address: "10.0.0.9", created_at: iso(day), last_seen_at: iso(hour), current: false }], query),
    "DELETE /api/v1/users/:id/sessions": () => null,
    "DELETE /api/v1/users/:id/second-factor": () => null,
    "GET /api/v1/quotas": () => ({ items: state.quotas }),
    "GET /api/v1/workspaces/:id/quotas": () => ({ items: state.quotas }),
    "PUT /api/v1/workspaces/:id/quotas": ({ body }) => {
      for (const [resource, limit] of Object.entries(body)) Object.assign(at(state.quotas, resource, "resource"), { limit });
      return { items: state.quotas };
    },
    "POST /api/v1/workspaces": ({ body, reply }) => {
      const made = { id: id("ws"), name: body.name, slug: body.name.toLowerCase(), role: "admin" };
      workspaces.push(made);
      state.spaces.push({ ...made, is_first: false, members: 1, created_at: iso(), updated_at: iso(), deleted_at: null });
      reply.as(201);
      return made;
    },
    "GET /api/v1/workspaces/:id": ({ id: key }) => at(state.spaces, key),
    "PATCH /api/v1/workspaces/:id": ({ id: key, body }) => (Object.assign(at(workspaces, key), body), Object.assign(at(state.spaces, key), body, { updated_at: iso() })),
    "DELETE /api/v1/workspaces/:id": ({ id: key }) => (Object.assign(at(state.spaces, key), { deleted_at: iso() }), null),
    "POST /api/v1/workspaces/:id/restore": ({ id: key }) => Object.assign(at(state.spaces, key), { deleted_at: null }),
    "POST /api/v1/workspaces/:id/leave": () => null,
    "GET /api/v1/installation/workspaces": ({ query }) => page(state.spaces.filter((one) => (one.deleted_at !== null) === (query.get("deleted") === "true")), query),
    "GET /api/v1/audit": ({ query }) => ({ items: audit.filter((one) => !query.get("action") || one.action === query.get("action")), next_cursor: null }),
    "GET /api/v1/audit/verify": () => ({ ok: true, checked: 1_204, from_seq: 1, to_seq: 1204, head: "9f2c5e0b7a314cfd8e6ab1d07a4c9b52", fault: null }),
  };
}
