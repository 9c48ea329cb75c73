import { expect, test } from "@playwright/test";
import { administrator, draw, firstRun, openHouse, watchFaults, type House } from "./house";

let house: House;
test.beforeAll(async () => {
  house = await openHouse({ mock: { SOCLE_MOCK_EMPTY: "1" } });
});
test.afterAll(() => house?.stop());

const camera = process.env.SOCLE_E2E_CAMERA;
const model = process.env.SOCLE_E2E_MODEL;

test("from the first run to an acknowledged event", async ({ page }) => {
  test.skip(house.real && !camera, "SOCLE_E2E_CAMERA names no camera (an rtsp:// or http:// address, or a video file)");
  const faults = watchFaults(page);

  await test.step("the link creates the administrator, and works once", async () => {
    await firstRun(page, house);
    const again = await page.context().browser()!.newPage();
    await again.goto(house.welcome);
    await again.getByLabel("First name").fill("Eve");
    await again.getByLabel("Last name").fill("Second");
    await again.getByLabel("E-mail").fill("eve@example.org");
    await again.getByLabel("Password", { exact: true }).fill("another long password");
    await again.getByRole("button", { name: "Create the account" }).click();
    await expect(again.getByRole("alert")).toBeVisible();
    await again.close();
  });

  await test.step("a source that is none says so", async () => {
    await page.getByRole("link", { name: "Add a camera" }).first().click();
    await page.getByLabel("Address").fill("rtsp://127.0.0.1:9/wrong");
    await page.getByRole("button", { name: "Test the source" }).click();
    await expect(page.getByRole("alert")).toBeVisible({ timeout: 60_000 });
  });

  await test.step("a camera is tested and added", async () => {
    await page.getByLabel("Name", { exact: true }).fill("Yard");
    await page.getByLabel("Address").fill(camera ?? "rtsp://camera.example/stream");
    await page.getByRole("button", { name: "Test the source" }).click();
    await expect(page.getByText("It works:")).toBeVisible({ timeout: 60_000 });
    await expect(page.getByAltText("A picture from this source")).toBeVisible();
    await page.getByRole("button", { name: "Add a camera" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Yard" })).toBeVisible();
    const picture = page.getByAltText("Live picture of Yard");
    await expect(picture).toBeVisible({ timeout: 60_000 });
    await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth), { timeout: 60_000 }).toBeGreaterThan(100);
  });

  if (model) {
    await test.step("a detector is uploaded", async () => {
      await page.getByRole("link", { name: "Models", exact: true }).click();
      await page.locator("input[type=file]").setInputFiles(model);
      const installed = page.getByRole("listitem").filter({ hasText: "sha256" });
      await expect(installed).toBeVisible({ timeout: 120_000 });
      const activate = installed.getByRole("button", { name: "Activate" });
      if (await activate.isVisible()) await activate.click();
      await expect(installed.getByText("active", { exact: true })).toBeVisible();
    });
  }

  await test.step("a zone that crosses itself is refused, a good one is kept", async () => {
    await page.getByRole("link", { name: "Cameras" }).first().click();
    await page.getByRole("link", { name: "Yard" }).click();
    await page.getByRole("link", { name: "Zones and lines" }).click();
    await page.getByRole("button", { name: "Area", exact: true }).click();
    await draw(page, [[0.2, 0.2], [0.8, 0.8], [0.8, 0.2], [0.2, 0.8], [0.2, 0.2]]);
    await page.getByRole("button", { name: "Save zones" }).click();
    await expect(page.getByRole("alert").getByText("The outline crosses itself.")).toBeVisible();
    await page.getByRole("button", { name: "Delete Area 1" }).click();

    await page.getByRole("button", { name: "Area", exact: true }).click();
    await draw(page, [[0.12, 0.2], [0.88, 0.2], [0.88, 0.92], [0.12, 0.92], [0.12, 0.2]]);
    await page.getByLabel("Name", { exact: true }).fill("Whole yard");
    await page.getByRole("button", { name: "Save zones" }).click();
    await expect(page.getByText("Zones saved")).toBeVisible();
    await page.reload();
    await expect(page.getByRole("button", { name: /Whole yard/ }).first()).toBeVisible();
  });

  await test.step("an event appears by itself", async () => {
    await page.getByRole("navigation", { name: "Main navigation" }).getByRole("link", { name: "Events" }).click();
    await expect(page.getByTestId("event-feed").getByRole("link", { name: /Whole yard/ }).first()).toBeVisible({ timeout: 120_000 });
  });

  await test.step("its clip plays", async () => {
    await page.getByTestId("event-feed").getByRole("link", { name: /Whole yard/ }).last().click();
    await expect(page.getByRole("heading", { name: "Snapshot and track" })).toBeVisible();
    const snapshot = page.getByAltText(/^Snapshot from Yard/);
    await expect.poll(() => snapshot.evaluate((image: HTMLImageElement) => image.naturalWidth), { timeout: 30_000 }).toBeGreaterThan(100);
    const clip = page.locator("video");
    await expect(clip).toBeVisible({ timeout: 180_000 });
    await clip.evaluate(async (video: HTMLVideoElement) => {
      video.muted = true;
      await video.play();
    });
    await expect.poll(() => clip.evaluate((video: HTMLVideoElement) => video.currentTime), { timeout: 30_000 }).toBeGreaterThan(0.3);
    await clip.evaluate((video: HTMLVideoElement) => video.pause());
  });

  await test.step("it is acknowledged with a comment", async () => {
    await page.getByLabel("Comment").fill("The gardener.");
    await page.getByRole("button", { name: "Acknowledge" }).click();
    await expect(page.getByText(/^Acknowledged by/)).toBeVisible();
    await expect(page.getByText("The gardener.")).toBeVisible();
    await page.reload();
    await expect(page.getByText("The gardener.")).toBeVisible();
  });

  await test.step("signing out closes the door; the address asked for waits behind it", async () => {
    const address = new URL(page.url()).pathname;
    await page.getByRole("button", { name: /^Menu of/ }).last().click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
    await page.goto(house.base + address);
    await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
    await page.getByLabel("E-mail").fill(administrator.email);
    await page.getByLabel("Password").fill("not this one");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page.getByText(/^E-mail or password is wrong/)).toBeVisible();
    await page.getByLabel("Password").fill(administrator.password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page).toHaveURL(house.base + address);
  });

  expect(faults).toEqual([]);
});
