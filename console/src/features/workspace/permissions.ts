import type { PermissionInfo } from "@/api/types";

export interface Module {
  name: string;
  permissions: PermissionInfo[];
}

/** The catalogue by module, in the order in which the server tells it. */
export function modules(catalogue: readonly PermissionInfo[]): Module[] {
  const found = new Map<string, PermissionInfo[]>();
  for (const permission of catalogue) found.set(permission.module, [...(found.get(permission.module) ?? []), permission]);
  return [...found].map(([name, permissions]) => ({ name, permissions }));
}

export type Share = "none" | "some" | "all";

/** How much of a module is chosen. */
export function shareOf(names: readonly string[], chosen: ReadonlySet<string>): Share {
  const count = names.filter((name) => chosen.has(name)).length;
  if (count === 0) return "none";
  return count === names.length ? "all" : "some";
}

/** All of a module, or nothing of it; what may not be given stays as it is. */
export function toggleAll(names: readonly string[], chosen: ReadonlySet<string>): Set<string> {
  const next = new Set(chosen);
  const all = shareOf(names, chosen) === "all";
  for (const name of names) {
    if (all) next.delete(name);
    else next.add(name);
  }
  return next;
}
