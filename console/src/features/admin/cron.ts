import cronstrue from "cronstrue";
import "cronstrue/locales/fr";
import type { Locale } from "@/lib/i18n";

/** What a cron expression means, as a sentence; null when it means nothing to us (the server has the last word). */
export function readCron(expression: string, locale: Locale): string | null {
  try {
    const [minute = "", hour = ""] = expression.trim().split(/\s+/);
    // "At 03:15" leaves open on which days; "Every 10 minutes" does not need to be told.
    const verbose = /^[\d,]+$/.test(minute) && /^[\d,]+$/.test(hour);
    return cronstrue.toString(expression.trim(), { locale, use24HourTimeFormat: true, verbose });
  } catch {
    return null;
  }
}
