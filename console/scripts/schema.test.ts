// @vitest-environment node
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { generate } from "./gen.mjs";

it("is what `npm run gen` makes of docs/api/openapi.json", async () => {
  expect(readFileSync(new URL("../src/api/schema.ts", import.meta.url), "utf8")).toBe(await generate());
});
