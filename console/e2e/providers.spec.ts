import { expect, test, type BrowserContext, type Page } from "@playwright/test";
import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { administrator, firstRun, freePort, openHouse, signedIn, signOut, watchFaults, type House } from "./house";

// In by an account elsewhere: the provider is other people's (npm oidc-provider), with its own pages.

test.skip(!process.env.SOCLE_BIN, "SOCLE_BIN names no server: providers need a real one");
test.describe.configure({ mode: "serial" });

let house: House;
let provider: ChildProcess;
let context: BrowserContext;
let page: Page;
let faults: string[];

test.beforeAll(async ({ browser }) => {
  if (!process.env.SOCLE_BIN) return;
  const port = await freePort();
  const file = () => `[[identity.providers]]
id = "corp"
name = "Corporation"
issuer = "http://127.0.0.1:${port}"
client_id = "socle"
client_secret = "a secret of the client, 32 bytes or more"
allow_sign_up = true
allow_private = true
`;
  house = await openHouse({ file, host: "localhost" });
  const script = process.env.SOCLE_TEST_OPENID ?? fileURLToPath(new URL("../../scripts/openid/provider.mjs", import.meta.url));
  provider = spawn(process.execPath, [script, String(port), `${house.base}/api/v1/auth/providers/corp/callback`], { cwd: fileURLToPath(new URL("..", import.meta.url)), stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  provider.stdout!.on("data", (data: Buffer) => (said += data.toString()));
  await expect.poll(() => said, { timeout: 30_000, message: "the provider is ready" }).toContain("ready");
  context = await browser.newContext({ locale: "en-GB", baseURL: house.base });
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
  faults = watchFaults(page);
  await firstRun(page, house);
});
test.afterAll(async () => {
  await context?.close();
  await house?.stop();
  provider?.kill();
});
test.afterEach(() => expect(faults).toEqual([]));

/** Through the provider's own pages. */
async function signInThere(name: string) {
  await page.getByPlaceholder("Enter any login").fill(name);
  await page.getByPlaceholder("and password").fill("x");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
}

test("somebody who has an account elsewhere gets one here", async () => {
  await context.clearCookies();
  await page.goto("/login?next=%2Faccount%2Fsecurity");
  await page.getByRole("link", { name: "Continue with Corporation" }).click();
  await signInThere("grace");
  await expect(page).toHaveURL(`${house.base}/account/security`);
  await signedIn(page);
  await expect(page.getByText("grace@example.org · linked on")).toBeVisible();
  // It is the only way in: taking it away would shut the owner out.
  await page.getByRole("button", { name: "Unlink" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Unlink" }).click();
  await expect(page.getByRole("alert")).toContainText("the last way into the account");
  await page.getByRole("button", { name: "Cancel" }).click();
});

test("an account elsewhere is linked to one from here, and opens it", async () => {
  await context.clearCookies();
  await page.goto("/login?next=%2Faccount%2Fsecurity");
  await page.getByLabel("E-mail").fill(administrator.email);
  await page.getByLabel("Password").fill(administrator.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("button", { name: "Link Corporation" }).click();
  await signInThere("ada");
  await expect(page.getByText("ada@example.org · linked on")).toBeVisible();
  await signOut(page);
  await page.getByRole("link", { name: "Continue with Corporation" }).click();
  await signedIn(page);
  await page.goto("/account/security");
  await page.getByRole("button", { name: "Unlink" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Unlink" }).click();
  await expect(page.getByRole("button", { name: "Link Corporation" })).toBeVisible();
});

test("whose address is not checked there stays outside, and is told why", async () => {
  await signOut(page);
  await context.clearCookies();
  await page.goto("/login");
  await page.getByRole("link", { name: "Continue with Corporation" }).click();
  await signInThere("unsure");
  await expect(page).toHaveURL(/\/login\?error=provider-unverified/);
  await expect(page.getByRole("alert")).toContainText("has not confirmed your address");
});
