import { expect, type Locator, type Page } from "@playwright/test";
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** A server with an empty data folder on a free port: the real one (SOCLE_BIN), or the mock where none is given. */
export interface House {
  base: string;
  real: boolean;
  /** The one-time link that it printed, on our base. */
  welcome: string;
  log: () => string;
  /** Tells the administrator something, as `socle notify` does. */
  notify: (title: string) => Promise<void>;
  stop: () => Promise<void>;
}

/** The server takes every SOCLE_ variable for a setting, and refuses those of these tests. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("SOCLE_")));
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => (typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}

export interface Setup {
  /** What only the mock understands. */
  mock?: NodeJS.ProcessEnv;
  /** What only the real server does, as variables. */
  settings?: NodeJS.ProcessEnv;
  /** The same as a file: TOML, made when the address is known. */
  file?: (base: string) => string;
  /** Browsers lend passkeys to this machine by its name alone. */
  host?: "localhost" | "127.0.0.1";
}

export async function openHouse({ mock = {}, settings: given = {}, file, host = "127.0.0.1" }: Setup = {}): Promise<House> {
  const port = await freePort();
  const base = `http://${host}:${port}`;
  const settings = { ...(host === "localhost" && { SOCLE_SERVER__PUBLIC_URL: base }), ...given };
  const binary = process.env.SOCLE_BIN;
  const folder = mkdtempSync(join(tmpdir(), "socle-e2e-"));
  const config = file ? ["--config", join(folder, "socle.toml")] : [];
  if (file) writeFileSync(join(folder, "socle.toml"), file(base));
  const child: ChildProcess = binary
    ? spawn(binary, ["serve", "--listen", `127.0.0.1:${port}`, "--data", folder, ...config], { env: { ...withoutSettings(process.env), ...settings } })
    : spawn(process.execPath, [fileURLToPath(new URL("./mock/server.mjs", import.meta.url))], {
        env: { ...process.env, SOCLE_MOCK_PORT: String(port), SOCLE_MOCK_FIRST_RUN: "1", ...mock },
      });
  let log = "";
  child.stdout?.on("data", (data: Buffer) => (log += data.toString()));
  child.stderr?.on("data", (data: Buffer) => (log += data.toString()));
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async () => {
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 15_000);
    await ended;
    clearTimeout(late);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await expect
      .poll(() => (child.exitCode === null ? /\/welcome\?token=[\w.~-]+/.test(log) : `ended with ${child.exitCode}: ${log}`), {
        message: "the server prints its one-time link",
        timeout: 30_000,
      })
      .toBe(true);
  } catch (error) {
    await stop();
    throw error;
  }
  const token = /\/welcome\?token=([\w.~-]+)/.exec(log)![1]!;
  const notify = async (title: string) => {
    if (binary) await promisify(execFile)(binary, ["notify", administrator.email, title, "--data", folder], { env: { ...withoutSettings(process.env), ...settings } });
    else expect((await fetch(`${base}/api/v1/mock/notify`, { method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": "mock" }, body: JSON.stringify({ title }) })).ok).toBe(true);
  };
  return { notify, base, real: binary !== undefined, welcome: `${base}/welcome?token=${token}`, log: () => log, stop };
}

export const administrator = { first: "Ada", last: "Durand", email: "ada@example.org", password: "a quiet harbour at dawn" };

export async function firstRun(page: Page, house: House) {
  await page.goto(house.welcome);
  await page.getByLabel("First name").fill(administrator.first);
  await page.getByLabel("Last name").fill(administrator.last);
  await page.getByLabel("E-mail").fill(administrator.email);
  await page.getByLabel("Password", { exact: true }).fill(administrator.password);
  await page.getByRole("button", { name: "Create the account" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Cameras" })).toBeVisible();
}

/** Everything that the content security policy refused, or that threw: a test expects none. */
export function watchFaults(page: Page): string[] {
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" && /Content Security Policy|Refused to/.test(message.text())) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  return faults;
}

/** Clicks a shape on the drawing surface: points as shares of the picture. */
export async function draw(page: Page, points: readonly (readonly [number, number])[]) {
  const canvas = page.getByTestId("zone-canvas");
  await canvas.scrollIntoViewIfNeeded();
  const box = (await canvas.boundingBox())!;
  for (const [x, y] of points) await page.mouse.click(box.x + x * box.width, box.y + y * box.height);
}

/** What a list of the API holds, as the person of this page sees it. */
export async function items<T>(page: Page, house: House, path: string): Promise<T[]> {
  return ((await (await page.request.get(`${house.base}/api/v1${path}`)).json()) as { items: T[] }).items;
}

/** The token that goes with every unsafe request of this page's session. */
export const csrf = async (page: Page) => decodeURIComponent((await page.context().cookies()).find((cookie) => cookie.name === "socle_csrf")!.value);

/** Asks the API for something, as the person of this page; the answer may be a refusal. */
export async function ask(page: Page, house: House, method: "post" | "put" | "patch" | "delete", path: string, data?: unknown) {
  return page.request[method](`${house.base}/api/v1${path}`, { data, headers: { "X-CSRF-Token": await csrf(page) } });
}

/** The same where a refusal would be a fault of the test. */
export async function send<T = unknown>(page: Page, house: House, method: "post" | "put" | "patch", path: string, data?: unknown): Promise<T> {
  const answer = await ask(page, house, method, path, data);
  expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
  return (answer.status() === 204 ? undefined : await answer.json()) as T;
}

export const menu = (page: Page, name: string) => page.getByRole("navigation", { name: "Main navigation" }).getByRole("link", { name, exact: true });

export const signedIn = (page: Page) => expect(page.getByRole("navigation", { name: "Main navigation" })).toBeVisible();

export async function signOut(page: Page) {
  await page.getByRole("button", { name: /^Menu of/ }).last().click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
}

export const form = (fields: Record<string, string>) => ({ method: "POST", body: new URLSearchParams(fields), headers: { "Content-Type": "application/x-www-form-urlencoded" } });

/** Goes from stop to stop, as somebody without a mouse does, until there. */
export async function tabTo(page: Page, target: Locator) {
  await expect(target).toBeVisible();
  for (let stops = 0; stops < 60; stops++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`not reached by keyboard: ${target.toString()}`);
}

/** Types into one field after the other, and sends the form. */
export async function typeForm(page: Page, ...texts: string[]) {
  for (const [at, text] of texts.entries()) {
    if (at > 0) await page.keyboard.press("Tab");
    await page.keyboard.type(text);
  }
  await page.keyboard.press("Enter");
}
