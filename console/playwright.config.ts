import { defineConfig } from "@playwright/test";

/** Runs on Debian's Chromium: nothing is downloaded. */
export default defineConfig({
  testDir: "e2e",
  // Each file has a server and a data folder of its own.
  workers: 2,
  timeout: 300_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  outputDir: "test-results",
  use: {
    locale: "en-GB",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.SOCLE_TEST_CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
    },
  },
});
