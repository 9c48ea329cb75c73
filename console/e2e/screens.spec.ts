import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Browser, type Page } from "@playwright/test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { administrator, ask, firstRun, items, openHouse, send, watchFaults, type House } from "./house";
import { furnishMl, mlPaths } from "./ml-data";
import { openMailbox, type Mailbox } from "./mailbox";
import { code } from "./totp";

// Every page, wide and narrow, light and dark: a picture of each (into SOCLE_SCREENS), no fault that axe can find, nothing
// that sticks out to the side, nothing that the content security policy refuses.

// Long walks, each in a house of its own: side by side, and without a trace, which would cost more than the walk.
test.describe.configure({ mode: "parallel" });
test.use({ trace: "off" });

let house: House;
let mailbox: Mailbox;
/** A provider that is never asked: its button is looked at. */
const provider = `[[identity.providers]]
id = "corp"
name = "Corporation"
issuer = "https://sso.example.org"
client_id = "socle"
`;
test.beforeEach(async () => {
  mailbox = await openMailbox();
  const settings = { SOCLE_MAIL__URL: mailbox.url, SOCLE_MAIL__FROM: "Socle <socle@example.org>" };
  house = await openHouse({ settings, file: () => provider, host: process.env.SOCLE_BIN ? "localhost" : undefined });
});
test.afterEach(async () => {
  await house?.stop();
  mailbox?.close();
});

const folder = process.env.SOCLE_SCREENS;
/** While working on some pages: which ones, by name. */
const only = new RegExp(process.env.SOCLE_SCREENS_ONLY ?? "");
const sizes = { wide: { width: 1440, height: 900 }, narrow: { width: 380, height: 780 } } as const;

async function inspect(page: Page, name: string) {
  // Motion is over and pictures are there, as a person would see the page.
  await page.waitForLoadState("load");
  await expect(page.locator("[role=status][aria-label=Loading]")).toHaveCount(0);
  await expect(page.locator("h1")).toBeVisible();
  await page.waitForTimeout(700);
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`) });
  const sticksOut = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect.soft(sticksOut, `${name} is wider than the window`).toBeLessThanOrEqual(0);
  // What is announced by voice alone stands there for seconds, and may name a button that is gone.
  const { violations } = await new AxeBuilder({ page }).exclude("[data-live-announcer]").withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]).analyze();
  expect.soft(violations.map((one) => `${name}: ${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`)).toEqual([]);
}

async function paths(page: Page): Promise<Record<string, string>> {
  const get = async (path: string) => (await (await page.request.get(`${house.base}/api/v1/surveillance${path}`)).json()) as { items: { id: string; zones?: unknown[] }[] };
  const camera = (await get("/cameras?page_size=100")).items[0];
  const event = (await get("/events?limit=20")).items.at(-1);
  const first = async (list: string) => {
    const { items } = (await (await page.request.get(`${house.base}/api/v1/${list}`)).json()) as { items: { id?: string; name?: string }[] };
    return items[0];
  };
  const [task, schedule, webhook] = [await first("tasks?state=failed") ?? await first("tasks"), await first("schedules"), await first("webhooks")];
  const person = (await items<{ id: string; email: string }>(page, house, "/users")).find(({ email }) => email !== administrator.email);
  return {
    wall: "/surveillance",
    "camera-new": "/surveillance/cameras/new",
    ...(camera && {
      camera: `/surveillance/cameras/${camera.id}`,
      "camera-zones": `/surveillance/cameras/${camera.id}/zones`,
      "camera-settings": `/surveillance/cameras/${camera.id}/settings`,
    }),
    events: "/surveillance/events",
    "events-filtered": "/surveillance/events?kind=loitering&severity=low&period=1h",
    ...(event && { event: `/surveillance/events/${event.id}` }),
    "not-found": "/surveillance/events/evt_00000000000000000000000000",
    statistics: "/surveillance/statistics",
    models: "/surveillance/models",
    coming: "/coming/exams",
    users: "/admin/users",
    "users-deleted": "/admin/users?state=deleted",
    ...(person && { user: `/admin/users/${person.id}` }),
    workspaces: "/admin/workspaces",
    audit: "/admin/audit",
    clients: "/admin/clients",
    "signing-keys": "/admin/keys",
    members: "/workspace/members",
    invitations: "/workspace/invitations",
    roles: "/workspace/roles",
    "role-built-in": "/workspace/roles/admin",
    "role-new": "/workspace/roles/new",
    services: "/workspace/services",
    usage: "/workspace/usage",
    "workspace-settings": "/workspace/settings",
    ...(await mlPaths(page, house)),
    tasks: "/admin/tasks",
    ...(task && { task: `/admin/tasks/${task.id}` }),
    queues: "/admin/queues",
    schedules: "/admin/schedules",
    ...(schedule && { schedule: `/admin/schedules/${schedule.name}` }),
    settings: "/admin/settings",
    "settings-history": "/admin/settings/history",
    cache: "/admin/cache",
    log: "/admin/events",
    webhooks: "/admin/webhooks",
    ...(webhook && { webhook: `/admin/webhooks/${webhook.id}` }),
    health: "/admin/health",
    notifications: "/notifications",
    preferences: "/account/notifications",
    account: "/account",
    security: "/account/security",
    sessions: "/account/sessions",
    "api-keys": "/account/keys",
    applications: "/account/applications",
    device: "/device?user_code=WDJB-MJHT",
    "consent-without": "/consent",
    "invitation-broken": "/invitation?token=0",
  };
}

/** The application that asks to be let in, on a real server. */
let application = "";

/** Its question; each is for a few minutes, so that every round asks its own. */
function question(): string {
  if (!house.real) return "/consent?request=req_1";
  const query = { response_type: "code", client_id: application, redirect_uri: "http://127.0.0.1/callback", scope: "openid profile read", state: "s", code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method: "S256" };
  return `/oauth/authorize?${new URLSearchParams(query).toString()}`;
}

const person = { email: "noor.haddad@example.org", first_name: "Noor", last_name: "Haddad", password: "a quiet harbour at night" };

/** On a real server there is first something to see: a webhook, a setting that was changed, news, a run, and a camera if one is given. */
async function furnish(page: Page) {
  if (!house.real) return;
  const make = (method: "post" | "put", path: string, data?: unknown) => send<{ id: string }>(page, house, method, path, data);
  await make("post", "/users", { ...person, role: "operator" });
  await make("post", "/roles", { name: "night-shift", description: "Watches at night", permissions: ["surveillance.events.read"] });
  await make("post", "/auth/api-keys", { name: "Nightly export", scopes: ["read"], expires_at: null });
  await make("post", "/invitations", { email: "carol@example.org", role: "night-shift", locale: "fr" });
  const gone = await make("post", "/users", { email: "otto.past@example.org", first_name: "Otto", last_name: "Past", password: "a quiet harbour at noon", role: "user" });
  await ask(page, house, "delete", `/users/${gone.id}`);
  const pier = await make("post", "/workspaces", { name: "North pier" });
  await make("put", `/workspaces/${pier.id}/quotas`, { cameras: 4 });
  const service = await make("post", "/service-accounts", { name: "Door controller", role: "operator", scopes: ["surveillance.events.read"] });
  await make("post", `/service-accounts/${service.id}/secrets`, {});
  application = (await make("post", "/oauth/clients", { name: "Notebook reader", kind: "public", redirect_uris: ["http://127.0.0.1/callback"], client_uri: "https://reader.example.org" })).id;
  await make("post", "/webhooks", { url: "https://hooks.example.org/socle", description: "On-call pager", topics: ["jobs.*", "settings.changed"] });
  await make("put", "/settings/jobs.keep_h", { value: 72 });
  await make("put", "/settings/identity.registration", { value: "open" });
  const { items } = (await (await page.request.get(`${house.base}/api/v1/schedules`)).json()) as { items: { name: string }[] };
  if (items[0]) await make("post", `/schedules/${items[0].name}/run`);
  await house.notify("Maintenance at noon");
  await furnishMl(page, house);
  const url = process.env.SOCLE_E2E_CAMERA;
  if (!url) return;
  const base = "/surveillance";
  const kind = /^rtsp/.test(url) ? "rtsp" : /^http/.test(url) ? "http" : "file";
  const camera = await make("post", `${base}/cameras`, { name: "Yard", source: kind === "file" ? { kind, url, loop: true, real_time: true } : { kind, url } });
  await make("put", `${base}/cameras/${camera.id}/zones`, [
    { name: "Lawn", kind: "intrusion", points: [[0.12, 0.2], [0.88, 0.2], [0.88, 0.92], [0.12, 0.92]] },
    { name: "Path", kind: "line_crossing", points: [[0.3, 0.9], [0.7, 0.3]], direction: "a_to_b" },
  ]);
  await expect
    .poll(async () => ((await (await page.request.get(`${house.base}/api/v1/surveillance/events`)).json()) as { items: unknown[] }).items.length, { timeout: 120_000 })
    .toBeGreaterThan(0);
}

/**
 * Wide by day in English, narrow by night in French: between them each size, scheme and language on every page. All four
 * where pictures are wanted; a round takes minutes.
 */
const rounds = Object.entries(sizes).flatMap(([size, viewport]) =>
  (["light", "dark"] as const)
    .map((colorScheme) => ({ size, viewport, colorScheme, locale: colorScheme === "dark" ? "fr-FR" : "en-GB" }))
    .filter(({ colorScheme }) => folder || (size === "wide") === (colorScheme === "light")),
);

type Round = (typeof rounds)[number];

/** What the doors of a furnished house look like to strangers, and to somebody with a second step. */
async function walkDoors(browser: Browser, { size, viewport, colorScheme, locale }: Round) {
  if (!house.real) return;
  const invited = await mailbox.link("carol@example.org", "/invitation");
  const own = await browser.newContext({ baseURL: house.base });
  const noor = await own.newPage();
  expect((await noor.request.post("/api/v1/auth/session", { data: { email: person.email, password: person.password } })).ok()).toBe(true);
  const { secret } = await send<{ secret: string }>(noor, house, "post", "/auth/totp");
  await send(noor, house, "post", "/auth/totp/confirm", { code: code(secret) });
  const storageState = await own.storageState();
  await own.close();
  const context = await browser.newContext({ viewport, colorScheme, locale, baseURL: house.base });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults = watchFaults(page);
  const look = (name: string) => inspectIn(page, `${name}-${size}-${colorScheme}`);
  for (const [name, path] of Object.entries({ "login-open": "/login", "signup-open": "/signup", "forgot-open": "/forgot", "invitation-open": invited })) {
    await page.goto(path);
    await expect(page.locator("form")).toBeVisible();
    if (name === "signup-open") {
      await page.locator("input[type=password]").fill("summer2026");
      await expect(page.getByRole("meter")).toHaveAttribute("aria-valuetext", /weak|fair|refused|faible|moyen|refusé/);
    }
    await look(name);
  }
  await page.goto("/login");
  await page.locator("input[name=username]").fill(person.email);
  await page.locator("input[type=password]").fill("not this one");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toBeVisible();
  await look("login-refused");
  await page.locator("input[type=password]").fill(person.password);
  await page.keyboard.press("Enter");
  await expect(page.locator("input[name=code]")).toBeVisible();
  await look("second-step");
  await context.close();
  const inside = await browser.newContext({ viewport, colorScheme, locale, baseURL: house.base, storageState });
  const account = await inside.newPage();
  account.setDefaultTimeout(20_000);
  await account.goto("/account/security");
  await account.getByRole("button", { name: /^(Make new ones|En créer d’autres)$/ }).click();
  await account.getByRole("dialog").getByRole("button", { name: /^(Make new ones|En créer d’autres)$/ }).click();
  await expect(account.getByRole("list", { name: /^(Recovery codes|Codes de secours)$/ })).toBeVisible();
  await inspectIn(account, `recovery-codes-${size}-${colorScheme}`);
  await account.reload();
  await inspectIn(account, `security-on-${size}-${colorScheme}`);
  await inside.close();
  expect(faults).toEqual([]);
}

for (const round of rounds) {
  test(`every page can be seen and used by everybody: ${round.size}, ${round.colorScheme}`, async ({ browser }) => {
    test.setTimeout(1_200_000);
    if (folder) mkdirSync(folder, { recursive: true });
    const { storageState, all } = await walkIn(browser, round);
    await walkDoors(browser, round);
    await walkPages(browser, round, storageState, all);
  });
}

/** The doors of an empty house, and the first run. The session that it gives, and the pages there are. */
async function walkIn(browser: Browser, { size, viewport, colorScheme }: Round) {
  const door = await browser.newContext({ locale: "en-GB" });
  const first = await door.newPage();
  const doors = {
    welcome: house.welcome,
    login: `${house.base}/login`,
    "login-error": `${house.base}/login?error=unknown`,
    signup: `${house.base}/signup`,
    forgot: `${house.base}/forgot`,
    verify: `${house.base}/verify?token=0`,
    "verify-without": `${house.base}/verify`,
    "confirm-email": `${house.base}/confirm-email?token=0`,
    invitation: `${house.base}/invitation?token=0`,
    reset: `${house.base}/reset?token=0`,
    "reset-without": `${house.base}/reset`,
  };
  await first.setViewportSize(viewport);
  await first.emulateMedia({ colorScheme });
  await first.goto(doors.login);
  await first.getByRole("button", { name: colorScheme === "dark" ? "Français" : "English" }).click();
  for (const [name, url] of Object.entries(doors)) {
    await first.goto(url);
    await inspectIn(first, `${name}-${size}-${colorScheme}`);
  }
  await first.setViewportSize(sizes.wide);
  await first.goto(doors.login);
  await first.getByRole("button", { name: "English" }).click();
  await firstRun(first, house);
  await furnish(first);
  // The session alone: the language that was chosen at the door stays there.
  const storageState = { ...(await first.context().storageState()), origins: [] };
  const all = await paths(first);
  await door.close();
  return { storageState, all };
}

type Session = Awaited<ReturnType<typeof walkIn>>["storageState"];

async function walkPages(browser: Browser, round: Round, storageState: Session, all: Record<string, string>) {
  const { size, viewport, colorScheme, locale } = round;
  const context = await browser.newContext({ viewport, colorScheme, storageState, locale });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults = watchFaults(page);
  for (const [name, path] of Object.entries(all).filter(([one]) => only.test(`${one}-${size}-${colorScheme}`))) {
    await page.goto(house.base + path);
    if (name === "not-found") await expect(page.getByRole("alert")).toBeVisible();
    if (colorScheme === "dark") await expect(page.locator("html")).toHaveAttribute("lang", "fr");
    await inspectIn(page, `${name}-${size}-${colorScheme}`);
  }
  await page.goto(house.base + question());
  await inspectIn(page, `consent-${size}-${colorScheme}`);
  // Dialogs of the account.
  await page.goto(`${house.base}/account/keys`);
  await page.getByRole("button", { name: /New key|Nouvelle clé/ }).click();
  await page.getByText(/Only chosen permissions|Droits choisis seulement/).click();
  await inspectIn(page, `api-key-new-${size}-${colorScheme}`);
  await page.goto(`${house.base}/account/security`);
  await page.getByRole("button", { name: /^(Set up|Configurer)$/ }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await inspectIn(page, `totp-setup-${size}-${colorScheme}`);
  // The bell, open over a page.
  await page.goto(`${house.base}/admin/users`);
  await page.locator("button:visible", { has: page.locator(".lucide-bell, .lucide-bell-ring") }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await inspectIn(page, `bell-${size}-${colorScheme}`);
  expect(faults).toEqual([]);
  await context.close();
}

/** In French, loading is told in French. */
async function inspectIn(page: Page, name: string) {
  if (!only.test(name)) return;
  await expect(page.locator("[role=status][aria-label=Chargement]")).toHaveCount(0);
  await inspect(page, name);
}
