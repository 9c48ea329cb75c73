import type { Setting } from "@/api/types";
import type { Formatter } from "@/lib/format";
import { hasMessage, TAGS, type Locale, type Translate } from "@/lib/i18n";

/** Settings under their group, in the order in which they came. */
export function grouped(settings: readonly Setting[]): (readonly [group: string, settings: Setting[]])[] {
  const groups = new Map<string, Setting[]>();
  for (const setting of settings) groups.set(setting.group, [...(groups.get(setting.group) ?? []), setting]);
  return [...groups];
}

/** Whether the words occur in what a person reads of a setting. */
export function matches(setting: Setting, words: string): boolean {
  const text = `${setting.title} ${setting.description} ${setting.key} ${setting.group}`.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** A choice as a person reads it: a language by its name, in that language; all else in our words, or as the API names it. */
export function choiceLabel(t: Translate, choice: string, key: string): string {
  const said = `settings.choice.${choice}`;
  if (!key.endsWith("language")) return hasMessage(said) ? t(said) : choice;
  const name = new Intl.DisplayNames(choice, { type: "language" }).of(choice) ?? choice;
  return name.charAt(0).toLocaleUpperCase(choice) + name.slice(1);
}

type Kind = Pick<Setting, "kind" | "unit"> & Partial<Pick<Setting, "key">>;

/** A value as a person reads it. `kind` is unknown where a setting no longer exists but its history does. */
export function valueText(value: unknown, kind: Kind | undefined, t: Translate, format: Formatter): string {
  if (value === null || value === undefined) return t("settings.default");
  if (typeof value === "boolean") return t(value ? "settings.on" : "settings.off");
  if (typeof value === "number") {
    if (kind?.kind === "duration_s") return format.duration(value * 1000);
    return kind?.unit ? `${format.exact(value)} ${kind.unit}` : format.exact(value);
  }
  if (typeof value === "string" && kind?.kind === "choice") return choiceLabel(t, value, kind.key ?? "");
  if (typeof value === "string") return value === "" ? t("settings.empty") : value;
  return JSON.stringify(value);
}

const SECONDS: Record<string, number> = { s: 1, min: 60, h: 3600, d: 86_400 };

/** A span of time in the units that fit it, where the setting's own unit is not already the one: 720 h is 30 d. */
export function reading(value: Setting["value"], { kind, unit }: Kind, format: Formatter): string | null {
  const seconds = kind === "duration_s" ? 1 : SECONDS[unit ?? ""];
  if (typeof value !== "number" || Number.isNaN(value) || seconds === undefined) return null;
  const text = format.duration(value * seconds * 1000);
  return text === `${format.exact(value)} ${unit ?? "s"}` ? null : text;
}

/** What may be put in, where that is bounded. */
export function boundsText(setting: Setting, t: Translate, format: Formatter): string | null {
  const min = setting.min ?? null;
  const max = setting.max ?? null;
  const show = (value: number) => valueText(value, setting, t, format);
  if (setting.kind === "text") return max === null ? null : t("settings.lengthTo", { n: max });
  if (min !== null && max !== null) return t("settings.between", { min: show(min), max: show(max) });
  if (min !== null) return t("settings.atLeast", { min: show(min) });
  if (max !== null) return t("settings.atMost", { max: show(max) });
  return null;
}

export function isNumeric(setting: Setting): boolean {
  return setting.kind === "integer" || setting.kind === "number" || setting.kind === "duration_s";
}

/** A number as it is typed in a language: every digit, no groups. */
export function writeNumber(value: number, locale: Locale): string {
  return value.toLocaleString(TAGS[locale], { useGrouping: false, maximumFractionDigits: 10 });
}

/** A number as it was typed; NaN for anything else. Groups of digits are not taken: 1,000 is one or a thousand. */
export function readNumber(text: string, locale: Locale): number {
  const plain = text.trim().replace("\u2212", "-");
  const form = locale === "fr" ? /^-?\d+([,.]\d+)?$/ : /^-?\d+(\.\d+)?$/;
  return form.test(plain) ? Number(plain.replace(",", ".")) : NaN;
}
