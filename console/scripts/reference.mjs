// The two readers of the API description, for the server's pages /docs and /redoc: taken from their packages at build time,
// since nothing is loaded from other hosts.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import scalar from "@scalar/fastify-api-reference";

const require = createRequire(import.meta.url);

/** Scalar's browser bundle. The package keeps it inside a plugin, which gives it out through a route: so one is asked for it. */
async function scalarBundle() {
  const routes = [];
  const host = { route: (route) => routes.push(route), initialConfig: { ignoreTrailingSlash: true }, hasPlugin: () => false, log: console };
  await new Promise((done) => scalar(host, { routePrefix: "/reference", configuration: { url: "/openapi.json" } }, done));
  let bundle = "";
  const reply = { header: () => reply, type: () => reply, code: () => reply, send: (body) => ((bundle = body), reply) };
  await routes.find((route) => route.url.endsWith(".js"))?.handler({}, reply);
  if (!bundle.includes("createApiReference")) throw new Error("the Scalar package no longer gives its bundle out this way");
  return bundle;
}

const SCALAR_START = `Scalar.createApiReference("#app", { url: "/openapi.json", withDefaultFonts: false, telemetry: false, agent: { disabled: true }, mcp: { disabled: true }, showDeveloperTools: "never", hideClientButton: true });\n`;
const REDOC_START = `Redoc.init("/openapi.json", { hideDownloadButtons: false, nativeScrollbars: true }, document.getElementById("app"));\n`;
const STYLE = "body { margin: 0; }\n";

/** Puts the readers into dist/reference. */
export function reference() {
  return {
    name: "socle-reference",
    apply: "build",
    async generateBundle() {
      const redoc = await readFile(require.resolve("redoc/bundles/redoc.standalone.js"), "utf8");
      const files = {
        "scalar.js": await scalarBundle(),
        "scalar-start.js": SCALAR_START,
        "redoc.js": redoc.replace(/\n\/\/# sourceMappingURL=\S+\s*$/, "\n"),
        "redoc-start.js": REDOC_START,
        "reference.css": STYLE,
      };
      for (const [name, source] of Object.entries(files)) this.emitFile({ type: "asset", fileName: `reference/${name}`, source });
    },
  };
}
