// The packages of console/, which these scripts are run from.
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.cwd(), "package.json"));

export const load = (name) => import(pathToFileURL(require.resolve(name)));

export function check(condition, what) {
  if (condition) return;
  console.error(`oauth: ${what}`);
  process.exit(1);
}
