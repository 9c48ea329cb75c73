// Writes src/api/schema.ts from docs/api/openapi.json, the snapshot that the server's tests keep true.
import { writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

export async function generate() {
  const source = new URL("../../docs/api/openapi.json", import.meta.url);
  const header = "// Generated from docs/api/openapi.json by `npm run gen`. Do not edit.\n\n";
  return header + astToString(await openapiTS(source));
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  writeFileSync(new URL("../src/api/schema.ts", import.meta.url), await generate());
}
