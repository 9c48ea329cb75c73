// `npm run lock` after a change of packages: takes the addresses of whatever registry this machine uses out of the lock file.
// Versions and hashes stay, which is all that `npm ci` needs.
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
for (const entry of Object.values(lock.packages)) delete entry.resolved;
writeFileSync(path, JSON.stringify(lock, null, 2) + "\n");
