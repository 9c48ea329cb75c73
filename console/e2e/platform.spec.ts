import { expect, test, type Page } from "@playwright/test";
import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { firstRun, items as listed, menu, openHouse, watchFaults, type House } from "./house";

// What an administrator does with the shared services, from the browser, against the real server (SOCLE_BIN) or the mock.

let house: House;
test.beforeAll(async () => {
  house = await openHouse({ mock: { SOCLE_MOCK_QUIET: "1" }, settings: { SOCLE_OUTBOUND__PRIVATE_ALLOWED: "127.0.0.1", SOCLE_NOTIFICATIONS__WEBHOOK_PLAIN_HTTP: "true" } });
});
test.afterAll(() => house?.stop());

interface Setting {
  key: string;
  title: string;
  kind: string;
  value: number;
  max: number;
}

const items = <T>(page: Page, path: string) => listed<T>(page, house, path);

interface Message {
  headers: IncomingHttpHeaders;
  body: string;
}

/** A receiver of webhooks on this machine. */
async function receiver(): Promise<{ url: string; messages: Message[]; server: Server }> {
  const messages: Message[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      messages.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(200, { "Content-Type": "text/plain" }).end("heard it");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("no port");
  return { url: `http://127.0.0.1:${address.port}/hook`, messages, server };
}

/** As the standard says: HMAC-SHA256 over id, time and body, with the bytes behind `whsec_`. */
function signature({ headers, body }: Message, secret: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
  return `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
}

test("the shared services are run from the console", async ({ page }) => {
  page.setDefaultTimeout(30_000);
  const faults = watchFaults(page);
  await firstRun(page, house);

  await test.step("a setting is changed, seen in the history, and undone", async () => {
    const setting = (await items<Setting>(page, "/settings")).find((one) => one.kind === "integer")!;
    const other = setting.value === setting.max ? setting.value - 1 : setting.value + 1;
    await menu(page, "Settings").click();
    const field = page.getByRole("textbox", { name: `Value of ${setting.title}` });
    const save = page.getByRole("button", { name: `Save ${setting.title}` });

    await field.fill(String(setting.max + 1));
    await save.click();
    await expect(field).toHaveAttribute("aria-invalid", "true");
    await expect(page.getByText(/must be/)).toBeVisible();

    await field.fill(String(other));
    await save.click();
    await expect(page.getByText(`${setting.title}: saved`).first()).toBeVisible();
    await expect(page.getByRole("button", { name: `${setting.title}: back to the default` })).toBeVisible();
    await field.fill(String(setting.value));
    await save.click();
    await expect(save).toHaveCount(0);

    await page.getByRole("link", { name: "History", exact: true }).click();
    const undo = page.getByRole("button", { name: `Undo the change of ${setting.title}` });
    await expect(undo).toHaveCount(2);
    // The older of the two: it was changed since.
    await undo.last().click();
    const conflict = page.getByRole("alertdialog");
    await expect(conflict).toContainText("changed again since");
    await conflict.getByRole("button", { name: "Cancel" }).click();
    await undo.first().click();
    await expect(page.getByText("an undoing").first()).toBeVisible();
    await page.getByRole("link", { name: "Values", exact: true }).click();
    await expect(field).toHaveValue(String(other));
    await page.getByRole("button", { name: `${setting.title}: back to the default` }).click();
    await expect(field).toHaveValue(String(setting.value));
  });

  await test.step("a schedule is paused and resumed, its rule refused, then run by hand", async () => {
    const [schedule] = await items<{ name: string }>(page, "/schedules");
    const { name } = schedule!;
    await menu(page, "Schedules").click();
    await page.getByRole("link", { name, exact: true }).click();
    await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
    const active = page.getByRole("switch", { name: `${name} is active` });
    await expect(active).toBeChecked();
    await active.press("Space");
    await expect(page.getByText("Does not run while it is paused")).toBeVisible();
    await expect(active).not.toBeChecked();
    await active.press("Space");
    await expect(active).toBeChecked();
    await expect(page.getByText("Does not run while it is paused")).toHaveCount(0);

    const cron = page.getByRole("textbox", { name: "Cron expression" });
    const rule = await cron.inputValue();
    await cron.fill("not a rule");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(cron).toHaveAttribute("aria-invalid", "true");
    await cron.fill(rule);

    const runs = page.getByRole("listitem").filter({ hasText: "by hand" });
    const before = await runs.count();
    await page.getByRole("button", { name: `Run ${name} now` }).click();
    await expect(runs).toHaveCount(before + 1);
    const run = runs.first();
    await expect(run.getByText("done")).toBeVisible({ timeout: 60_000 });
    await run.getByRole("link", { name: "Task" }).click();
    await expect(page.getByRole("status").getByText("done")).toBeVisible();
  });

  await test.step("a webhook is made, tried, and its delivery is seen", async () => {
    const { url, messages, server } = await receiver();
    await menu(page, "Webhooks").click();
    await page.getByRole("button", { name: "New webhook" }).click();
    const dialog = page.getByRole("dialog");
    const address = dialog.getByRole("textbox", { name: "Address" });
    await address.fill("ftp://127.0.0.1/hook");
    await dialog.getByRole("button", { name: "Create" }).click();
    await expect(address).toHaveAttribute("aria-invalid", "true");
    await address.fill(url);
    await dialog.getByRole("textbox", { name: "Description" }).fill("Receiver of this test");
    await dialog.getByRole("button", { name: "Create" }).click();
    const once = page.getByRole("alertdialog");
    const secret = await once.getByRole("textbox", { name: "Secret" }).inputValue();
    expect(secret).toMatch(/^whsec_\S{20,}$/);
    await once.getByRole("button", { name: "I have kept it" }).click();
    await page.getByRole("link", { name: url }).click();
    await page.getByRole("button", { name: "Send a test" }).click();
    const delivery = page.getByRole("listitem").filter({ hasText: /test/ }).filter({ hasText: "delivered" }).first();
    await expect(delivery).toBeVisible({ timeout: 30_000 });
    await delivery.getByRole("button").first().click();
    await expect(delivery.getByRole("region", { name: "Payload" })).toContainText("test");
    if (house.real) {
      const [message] = messages.filter(({ body }) => body.includes("test"));
      expect(String(message!.headers["webhook-signature"]).split(" ")).toContain(signature(message!, secret));
      await expect(delivery.getByRole("region", { name: "Answer" })).toContainText("heard it");
    }
    await delivery.getByRole("button", { name: "Deliver again" }).click();
    if (house.real) await expect.poll(() => messages.filter(({ body }) => body.includes("test")).length, { timeout: 30_000 }).toBe(2);
    await page.getByRole("switch", { name: "Enabled" }).press("Space");
    await expect(page.getByRole("switch", { name: "Enabled" })).not.toBeChecked();
    server.close();
  });

  await test.step("a notification arrives by itself, and is read", async () => {
    await menu(page, "Cache").click();
    await house.notify("Maintenance at noon");
    const bell = page.getByRole("button", { name: /^Notifications: \d+ unread/ }).first();
    await expect(bell).toBeVisible({ timeout: 30_000 });
    await bell.click();
    await expect(page.getByRole("dialog").getByText("Maintenance at noon")).toBeVisible();
    await page.getByRole("button", { name: "Mark as read: Maintenance at noon" }).click();
    await expect(page.getByRole("button", { name: "Mark as read: Maintenance at noon" })).toHaveCount(0);
    await page.keyboard.press("Escape");
  });

  await test.step("the live log tells what happens while it is open", async () => {
    await menu(page, "Live log").click();
    const log = page.getByRole("log", { name: "Live log" });
    await expect(log).toHaveAttribute("aria-live", "polite");
    const setting = (await items<Setting>(page, "/settings")).find((one) => one.kind === "integer")!;
    const token = decodeURIComponent((await page.context().cookies()).find((cookie) => cookie.name === "socle_csrf")!.value);
    const change = (value: number) =>
      page.request.put(`${house.base}/api/v1/settings/${setting.key}`, { data: { value }, headers: { "X-CSRF-Token": token } });
    const lines = log.getByRole("listitem").filter({ hasText: "settings.changed" });
    const before = await lines.count();
    await change(setting.value === setting.max ? setting.value - 1 : setting.value + 1);
    await expect(lines).toHaveCount(before + 1);
    await page.getByRole("button", { name: "Pause" }).click();
    await expect(log).toHaveAttribute("aria-live", "off");
    await change(setting.value);
    await expect(page.getByText(/1 new one waits/)).toBeVisible();
    await expect(lines).toHaveCount(before + 1);
    await page.getByRole("button", { name: "Resume" }).click();
    await expect(lines).toHaveCount(before + 2);
  });

  await test.step("the cache is cleared", async () => {
    await menu(page, "Cache").click();
    await page.getByRole("button", { name: "Clear all" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Clear" }).click();
    await expect(page.getByText(/entr(y|ies) cleared/)).toBeVisible();
  });

  await test.step("a queue is paused and resumed", async () => {
    await menu(page, "Jobs").click();
    await page.getByRole("link", { name: "Queues", exact: true }).click();
    const [queue] = await items<{ name: string }>(page, "/queues");
    await page.getByRole("button", { name: `Pause the queue ${queue!.name}` }).click();
    await page.getByRole("button", { name: `Resume the queue ${queue!.name}` }).click();
    await expect(page.getByRole("button", { name: `Pause the queue ${queue!.name}` })).toBeVisible();
  });

  expect(faults).toEqual([]);
});
