/**
 * How far a key, a service or an application may go. Nothing named is no limit; `read` and `write` are all of a kind; the
 * rest are single permissions.
 */
export type Reach = "all" | "read" | "some";

export function reachOf(scopes: readonly string[]): Reach {
  if (scopes.length === 0 || (scopes.includes("write") && scopes.includes("read"))) return "all";
  return scopes.includes("read") && scopes.length === 1 ? "read" : "some";
}

export function scopesOf(reach: Reach, chosen: readonly string[]): string[] {
  if (reach === "all") return [];
  return reach === "read" ? ["read"] : [...chosen];
}

/** Names of permissions by module (`identity.users.read` belongs to `identity`), each group in the order of the alphabet. */
export function byModule(permissions: readonly string[]): [module: string, permissions: string[]][] {
  const groups = new Map<string, string[]>();
  for (const name of [...permissions].sort()) {
    const module = name.split(".")[0] ?? name;
    groups.set(module, [...(groups.get(module) ?? []), name]);
  }
  return [...groups].sort(([one], [other]) => one.localeCompare(other));
}

const DAY_MS = 86_400_000;
export const LIVES = ["30", "90", "365", "never"] as const;
export type Life = (typeof LIVES)[number];

export function expiryOf(life: Life, now = Date.now()): string | null {
  return life === "never" ? null : new Date(now + Number(life) * DAY_MS).toISOString();
}

export type Expiry = "never" | "over" | "soon" | "later";

export function expiryState(expires_at: string | null, now = Date.now()): Expiry {
  if (expires_at === null) return "never";
  const left = new Date(expires_at).getTime() - now;
  if (left <= 0) return "over";
  return left < 14 * DAY_MS ? "soon" : "later";
}
