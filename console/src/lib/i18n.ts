import { useSyncExternalStore } from "react";
import { access } from "./messages/access";
import { account } from "./messages/account";
import { admin } from "./messages/admin";
import { audit } from "./messages/audit";
import { common } from "./messages/common";
import { identity } from "./messages/identity";
import { ml } from "./messages/ml";
import { notifications } from "./messages/notifications";
import { permissions } from "./messages/permissions";
import { problems } from "./messages/problems";
import { strength } from "./messages/strength";
import { surveillance } from "./messages/surveillance";
import { workspace } from "./messages/workspace";
import { recall, remember } from "./storage";

export const LOCALES = ["en", "fr"] as const;
export type Locale = (typeof LOCALES)[number];

/** Every text of the console: `[English, French]` side by side, so that none can be missing. */
export const messages = {
  ...common,
  ...identity,
  ...account,
  ...workspace,
  ...access,
  ...audit,
  ...permissions,
  ...problems,
  ...strength,
  ...surveillance,
  ...ml,
  ...admin,
  ...notifications,
};
export type MessageKey = keyof typeof messages;
export type Params = Record<string, string | number>;

/** BCP 47 tags for `Intl`. English follows the 24-hour clock: this is a console for people on watch. */
export const TAGS: Record<Locale, string> = { en: "en-GB", fr: "fr-FR" };

const plurals = { en: new Intl.PluralRules("en"), fr: new Intl.PluralRules("fr") };

/**
 * The text of a key. `{name}` is replaced from `params`; a message with ` | ` holds singular and plural, chosen by
 * `params.n` after the rules of the language (nought is singular in French).
 */
export function translate(locale: Locale, key: MessageKey, params: Params = {}): string {
  let text: string = messages[key][locale === "en" ? 0 : 1];
  if (text.includes(" | ")) {
    const [one, other] = text.split(" | ") as [string, string];
    text = plurals[locale].select(Number(params.n)) === "one" ? one : other;
  }
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? value.toLocaleString(TAGS[locale]) : value;
  });
}

function preferred(): Locale {
  const kept = recall("locale");
  if (kept === "en" || kept === "fr") return kept;
  return navigator.language.toLowerCase().startsWith("fr") ? "fr" : "en";
}

let locale: Locale = typeof navigator === "undefined" ? "en" : preferred();
const listeners = new Set<() => void>();
if (typeof document !== "undefined") document.documentElement.lang = locale;

export function currentLocale(): Locale {
  return locale;
}

export function setLocale(next: Locale) {
  remember("locale", next);
  if (next === locale) return;
  locale = next;
  document.documentElement.lang = next;
  listeners.forEach((listener) => listener());
}

/** What the account says counts only where this browser was not told otherwise. */
export function adoptLocale(account: string | null | undefined) {
  if (recall("locale") === null && (account === "en" || account === "fr")) setLocale(account);
}

export function useLocale(): Locale {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, currentLocale);
}

export type Translate = (key: MessageKey, params?: Params) => string;

export function useT(): Translate {
  const now = useLocale();
  return (key, params) => translate(now, key, params);
}

/** Whether a made-up key (`event.kind.${kind}`) has a text: the server may know kinds that we do not. */
export function hasMessage(key: string): key is MessageKey {
  return key in messages;
}
