import { hasMessage, messages, type Translate } from "@/lib/i18n";
import { pretty } from "@/lib/pretty";

/** What happened, in words where we have them; else by its name. */
export function actionLabel(t: Translate, action: string): string {
  const key = `audit.action.${action}`;
  return hasMessage(key) ? t(key) : action;
}

/** What may have happened, as far as there are words for it. */
export const knownActions = Object.keys(messages)
  .filter((key) => key.startsWith("audit.action."))
  .map((key) => key.slice("audit.action.".length));

export interface Change {
  name: string;
  before: string | null;
  after: string | null;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

const shown = (value: unknown): string | null => (value === undefined || value === null ? null : pretty(value));

/** The fields of `before` and `after` side by side, those that differ. Null where the entry tells no such thing. */
export function changesOf(detail: unknown): Change[] | null {
  if (!isObject(detail)) return null;
  const { before, after } = detail;
  if (!isObject(before) && !isObject(after)) return null;
  const [old, now] = [isObject(before) ? before : {}, isObject(after) ? after : {}];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .map((name) => ({ name, before: shown(old[name]), after: shown(now[name]) }))
    .filter((change) => change.before !== change.after);
}

/** What else an entry tells. */
export function restOf(detail: unknown): Record<string, unknown> | null {
  if (!isObject(detail)) return null;
  const rest = Object.fromEntries(Object.entries(detail).filter(([name, value]) => !(["before", "after"].includes(name) && (isObject(value) || value === null))));
  return Object.keys(rest).length > 0 ? rest : null;
}

/** Days of a calendar as the moments between which they lie, here. */
export function dayBounds(from: string | undefined, to: string | undefined): { from?: string; to?: string } {
  const at = (day: string, days: number) => {
    const [year, month, date] = day.split("-").map(Number);
    const moment = new Date(year ?? NaN, (month ?? NaN) - 1, (date ?? NaN) + days);
    return Number.isNaN(moment.getTime()) ? undefined : moment.toISOString();
  };
  return { from: from ? at(from, 0) : undefined, to: to ? at(to, 1) : undefined };
}
