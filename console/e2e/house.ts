import { expect, type Page } from "@playwright/test";
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
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

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => (typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}

/**
 * `mock` holds what only the mock understands, `settings` what only the real server does. Browsers lend passkeys to this
 * machine by its name alone.
 */
export async function openHouse(mock: NodeJS.ProcessEnv = {}, settings: NodeJS.ProcessEnv = {}, host = "127.0.0.1"): Promise<House> {
  const port = await freePort();
  const base = `http://${host}:${port}`;
  if (host !== "127.0.0.1") settings = { ...settings, SOCLE_SERVER__PUBLIC_URL: base };
  const binary = process.env.SOCLE_BIN;
  const folder = mkdtempSync(join(tmpdir(), "socle-e2e-"));
  const child: ChildProcess = binary
    ? spawn(binary, ["serve", "--listen", `127.0.0.1:${port}`, "--data", folder], { env: { ...withoutSettings(process.env), ...settings } })
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
