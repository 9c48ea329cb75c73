import optimizeLocales from "@react-aria/optimize-locales-plugin";
import tailwindcss from "@tailwindcss/vite";
import { tanstackRouter } from "@tanstack/router-plugin/vite";
import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { reference } from "./scripts/reference.mjs";

const server = process.env.SOCLE_DEV_SERVER ?? "http://127.0.0.1:8000";
const proxied = ["/api", "/ajax-api", "/get-artifact", "/video_feed", "/health", "/metrics", "/openapi.json", "/oauth", "/.well-known", "/docs", "/redoc", "/reference"];

export default defineConfig({
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  plugins: [
    tanstackRouter({ target: "react", autoCodeSplitting: true, quoteStyle: "double", semicolons: true }),
    react(),
    tailwindcss(),
    { ...optimizeLocales.vite({ locales: ["en-US", "fr-FR"] }), enforce: "pre" },
    reference(),
  ],
  build: {
    // Everything from our own origin: no data: fonts, no inlined scripts.
    assetsInlineLimit: 0,
    target: "es2022",
  },
  server: {
    proxy: {
      ...Object.fromEntries(proxied.map((path) => [path, { target: server }])),
      "/ws": { target: server, ws: true },
    },
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}", "scripts/*.test.ts"],
    restoreMocks: true,
  },
});
