import { expect, test, type BrowserContext, type Page } from "@playwright/test";
import { ask, firstRun, form, menu, openHouse, send, watchFaults, type House } from "./house";

// Workspaces, what they use, the programs in them, and the keys that sign: as an administrator sees them.

test.skip(!process.env.SOCLE_BIN, "SOCLE_BIN names no server: limits and tokens need a real one");
test.describe.configure({ mode: "serial" });

let house: House;
let context: BrowserContext;
let page: Page;
let faults: string[];

test.beforeAll(async ({ browser }) => {
  if (!process.env.SOCLE_BIN) return;
  house = await openHouse({ settings: { SOCLE_IDENTITY__SIGNING: "ES256" } });
  context = await browser.newContext({ locale: "en-GB", baseURL: house.base });
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
  faults = watchFaults(page);
  await firstRun(page, house);
});
test.afterAll(async () => {
  await context?.close();
  await house?.stop();
});
test.afterEach(() => expect(faults).toEqual([]));

const switcher = () => page.getByRole("button", { name: /^Workspace: / });

async function goTo(name: string) {
  await switcher().click();
  await page.getByRole("menuitemradio", { name }).click();
  await expect(switcher()).toHaveAccessibleName(`Workspace: ${name}. Switch`);
}

test("a workspace is made, bounded, left for another, deleted and restored", async () => {
  await switcher().click();
  await page.getByRole("menuitem", { name: "New workspace" }).click();
  await page.getByLabel("Name", { exact: true }).fill("North pier");
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await expect(switcher()).toHaveAccessibleName("Workspace: North pier. Switch");

  // Limits are set by who looks after the installation: from its own workspace.
  await menu(page, "Usage and limits").click();
  await expect(page.getByRole("heading", { level: 1, name: "Usage and limits" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Set limits" })).toHaveCount(0);
  await goTo("Main");
  await menu(page, "All workspaces").click();
  await page.getByRole("button", { name: "Limits of North pier" }).click();
  await page.getByRole("dialog").getByLabel("Cameras").fill("0");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await goTo("North pier");
  await menu(page, "Usage and limits").click();
  await expect(page.getByRole("listitem").filter({ hasText: "Cameras" }).getByText("limit reached")).toBeVisible();
  const refused = await ask(page, house, "post", "/surveillance/cameras", { name: "Yard", source: { kind: "rtsp", url: "rtsp://192.0.2.1/x" } });
  expect([402, 429]).toContain(refused.status());
  expect(((await refused.json()) as { error: string }).error).toBe("quota.reached");

  await menu(page, "Workspace settings").click();
  await page.getByLabel("Name", { exact: true }).fill("South pier");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(switcher()).toHaveAccessibleName("Workspace: South pier. Switch");
  await goTo("Main");

  await menu(page, "All workspaces").click();
  await page.getByRole("button", { name: "Delete South pier" }).click();
  const dialog = page.getByRole("alertdialog");
  await expect(dialog.getByRole("button", { name: "Delete the workspace" })).toBeDisabled();
  await dialog.getByRole("textbox").fill("north-pier");
  await dialog.getByRole("button", { name: "Delete the workspace" }).click();
  await expect(page.getByRole("button", { name: "Delete South pier" })).toHaveCount(0);
  await page.getByRole("switch", { name: "Deleted ones" }).press("Space");
  await page.getByRole("button", { name: "Restore South pier" }).click();
  await expect(page.getByText("No deleted workspaces")).toBeVisible();
});

test("a service account signs in with its secret, and is shut out with it", async () => {
  await menu(page, "Service accounts").click();
  await page.getByRole("button", { name: "New service account" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Door controller");
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  const made = page.getByRole("alertdialog");
  const [client_id, client_secret] = [await made.getByLabel("client_id").inputValue(), await made.getByLabel("client_secret").inputValue()];
  await made.getByRole("button", { name: "I have kept it" }).click();
  const token = () => fetch(`${house.base}/oauth/token`, form({ grant_type: "client_credentials", client_id, client_secret }));
  const answer = await token();
  expect(answer.status).toBe(200);
  const { access_token } = (await answer.json()) as { access_token: string };
  const me = () => fetch(`${house.base}/api/v1/auth/me`, { headers: { Authorization: `Bearer ${access_token}` } });
  expect((await me()).status).toBe(200);

  await page.reload();
  await page.getByRole("button", { name: /Door controller/ }).click();
  await expect(page.getByText("used just now").or(page.getByText(/used .* ago/)).first()).toBeVisible();
  await page.getByRole("button", { name: /^Remove the secret/ }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Remove" }).click();
  await expect(page.getByText("Without a secret it cannot sign in.")).toBeVisible();
  expect((await token()).status).toBe(401);
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByText("No service accounts")).toBeVisible();
  expect((await me()).status).toBe(401);
});

test("the keys that sign are replaced, and nobody is signed out", async () => {
  const published = async () => ((await (await fetch(`${house.base}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] }).keys.map((key) => key.kid);
  const before = await published();
  expect(before.length).toBeGreaterThan(0);
  await menu(page, "Signing keys").click();
  await expect(page.getByText("signs", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Replace the key" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Replace the key" }).click();
  await expect(page.getByText("signs soon", { exact: true }).first()).toBeVisible();
  expect((await published()).length).toBeGreaterThan(before.length);
  await page.reload();
  await expect(page.getByRole("heading", { level: 1, name: "Signing keys" })).toBeVisible();
});

test("an application is changed, gets a new secret, and is deleted", async () => {
  await send(page, house, "post", "/oauth/clients", { name: "Staff portal", kind: "confidential", redirect_uris: ["https://portal.example.org/callback"] });
  await menu(page, "Applications").click();
  await page.getByRole("button", { name: /Staff portal/ }).first().click();
  await page.getByRole("button", { name: "New secret" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "New secret" }).click();
  await expect(page.getByRole("alertdialog").getByLabel("client_secret")).toHaveValue(/.{32,}/);
  await page.getByRole("alertdialog").getByRole("button", { name: "I have kept it" }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByText("Staff portal")).toHaveCount(0);
});
