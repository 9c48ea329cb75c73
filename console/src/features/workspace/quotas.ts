import type { Quota } from "@/api/types";
import type { Formatter } from "@/lib/format";

export type Fullness = "free" | "near" | "full";

/** From four fifths on it is time to look; at the limit nothing more is taken. */
export function fullness(quota: Pick<Quota, "used" | "limit">): Fullness {
  if (quota.limit === null) return "free";
  if (quota.used >= quota.limit) return "full";
  return quota.used >= quota.limit * 0.8 ? "near" : "free";
}

export function shareOf(quota: Pick<Quota, "used" | "limit">): number {
  if (quota.limit === null) return 0;
  return quota.limit === 0 ? 1 : Math.min(1, quota.used / quota.limit);
}

export function amount(value: number, unit: string, format: Formatter): string {
  return unit === "bytes" ? format.bytes(value) : format.number(value);
}

/** What a person typed as a limit: nothing is none, text is no number. */
export function parseLimit(typed: string): number | null | undefined {
  const plain = typed.replace(/[\s\u00a0\u202f]/g, "");
  if (plain === "") return null;
  return /^\d{1,15}$/.test(plain) ? Number(plain) : undefined;
}
