import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { administrator, firstRun, items, openHouse, watchFaults, type House } from "./house";

// Every page, wide and narrow, light and dark: a picture of each (into SOCLE_SCREENS), no fault that axe can find, nothing
// that sticks out to the side, nothing that the content security policy refuses.

let house: House;
test.beforeAll(async () => {
  house = await openHouse();
});
test.afterAll(() => house?.stop());

const folder = process.env.SOCLE_SCREENS;
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
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]).analyze();
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

/** On a real server there is first something to see: a webhook, a setting that was changed, news, a run, and a camera if one is given. */
async function furnish(page: Page) {
  if (!house.real) return;
  const token = (await page.context().cookies()).find((cookie) => cookie.name === "socle_csrf")!.value;
  const send = async (method: "post" | "put", path: string, data?: unknown) => {
    const answer = await page.request[method](`${house.base}/api/v1${path}`, { data, headers: { "X-CSRF-Token": decodeURIComponent(token) } });
    expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
    return (await answer.json()) as { id: string };
  };
  await send("post", "/users", { email: "noor.haddad@example.org", first_name: "Noor", last_name: "Haddad", password: "a quiet harbour at night", role: "operator" });
  await send("post", "/roles", { name: "night-shift", description: "Watches at night", permissions: ["surveillance.events.read"] });
  await send("post", "/auth/api-keys", { name: "Nightly export", scopes: ["read"], expires_at: null });
  const service = await send("post", "/service-accounts", { name: "Door controller", role: "operator", scopes: ["surveillance.events.read"] });
  await send("post", `/service-accounts/${service.id}/secrets`, {});
  application = (await send("post", "/oauth/clients", { name: "Notebook reader", kind: "public", redirect_uris: ["http://127.0.0.1/callback"], client_uri: "https://reader.example.org" })).id;
  await send("post", "/webhooks", { url: "https://hooks.example.org/socle", description: "On-call pager", topics: ["jobs.*", "settings.changed"] });
  await send("put", "/settings/jobs.keep_h", { value: 72 });
  const { items } = (await (await page.request.get(`${house.base}/api/v1/schedules`)).json()) as { items: { name: string }[] };
  if (items[0]) await send("post", `/schedules/${items[0].name}/run`);
  await house.notify("Maintenance at noon");
  const url = process.env.SOCLE_E2E_CAMERA;
  if (!url) return;
  const base = "/surveillance";
  const kind = /^rtsp/.test(url) ? "rtsp" : /^http/.test(url) ? "http" : "file";
  const camera = await send("post", `${base}/cameras`, { name: "Yard", source: kind === "file" ? { kind, url, loop: true, real_time: true } : { kind, url } });
  await send("put", `${base}/cameras/${camera.id}/zones`, [
    { name: "Lawn", kind: "intrusion", points: [[0.12, 0.2], [0.88, 0.2], [0.88, 0.92], [0.12, 0.92]] },
    { name: "Path", kind: "line_crossing", points: [[0.3, 0.9], [0.7, 0.3]], direction: "a_to_b" },
  ]);
  await expect
    .poll(async () => ((await (await page.request.get(`${house.base}/api/v1/surveillance/events`)).json()) as { items: unknown[] }).items.length, { timeout: 120_000 })
    .toBeGreaterThan(0);
}

test("every page can be seen and used by everybody", async ({ browser }) => {
  test.setTimeout(900_000);
  if (folder) mkdirSync(folder, { recursive: true });
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
  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ["light", "dark"] as const) {
      await first.setViewportSize(viewport);
      await first.emulateMedia({ colorScheme });
      const other = colorScheme === "dark" ? "Français" : "English";
      await first.goto(doors.login);
      await first.getByRole("button", { name: other }).click();
      for (const [name, url] of Object.entries(doors)) {
        await first.goto(url);
        await inspectIn(first, `${name}-${size}-${colorScheme}`);
      }
    }
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
  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ["light", "dark"] as const) {
      // French at night, so that both languages are walked.
      const locale = colorScheme === "dark" ? "fr-FR" : "en-GB";
      const context = await browser.newContext({ viewport, colorScheme, storageState, locale });
      const page = await context.newPage();
      const faults = watchFaults(page);
      for (const [name, path] of Object.entries(all)) {
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
  }
});

/** In French, loading is told in French. */
async function inspectIn(page: Page, name: string) {
  await expect(page.locator("[role=status][aria-label=Chargement]")).toHaveCount(0);
  await inspect(page, name);
}
