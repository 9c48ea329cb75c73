import { expect, it } from "vitest";
import type { Setting } from "@/api/types";
import { formatter } from "@/lib/format";
import { translate, type Translate } from "@/lib/i18n";
import { boundsText, grouped, matches, reading, readNumber, valueText, writeNumber } from "./settings";

const t: Translate = (key, params) => translate("en", key, params);
const format = formatter("en");
const setting = (change: Partial<Setting>): Setting => ({
  key: "jobs.keep_s",
  group: "jobs",
  title: "Keep results",
  description: "After this time they go.",
  kind: "integer",
  unit: null,
  min: null,
  max: null,
  choices: null,
  default: 1,
  value: 1,
  is_default: true,
  updated_at: null,
  updated_by: null,
  ...change,
});

it("groups without changing the order", () => {
  const all = [setting({ key: "a.x", group: "a" }), setting({ key: "b.x", group: "b" }), setting({ key: "a.y", group: "a" })];
  expect(grouped(all).map(([group, members]) => [group, members.map((one) => one.key)])).toEqual([["a", ["a.x", "a.y"]], ["b", ["b.x"]]]);
});

it.each([
  [604_800, { kind: "duration_s" }, "7 d"],
  [5400, { kind: "duration_s" }, "1 h 30 min"],
  [12_345.678, { kind: "number", unit: null }, "12,345.678"],
  [64, { kind: "integer", unit: "MB" }, "64 MB"],
  [true, { kind: "boolean" }, "on"],
  [false, { kind: "boolean" }, "off"],
  ["", { kind: "text" }, "(empty)"],
  ["fr", { kind: "choice" }, "fr"],
  ["everyone", { kind: "choice", key: "identity.second_factor" }, "for everybody"],
  ["fr", { kind: "choice", key: "installation.default_language" }, "Français"],
  ["en", { kind: "choice", key: "installation.default_language" }, "English"],
  [null, { kind: "text" }, "the default"],
] as const)("tells %o", (value, change, expected) => expect(valueText(value, setting(change), t, format)).toBe(expected));

it("tells the values of a setting that is no more", () => expect(valueText(5, undefined, t, format)).toBe("5"));

it.each([
  [{ min: 1, max: 64 }, "1 to 64"],
  [{ kind: "duration_s", min: 60, max: 86_400 }, "1 min to 24 h"],
  [{ min: 1 }, "at least 1"],
  [{ max: 9 }, "at most 9"],
  [{ kind: "text", max: 60 }, "60 characters at most"],
  [{ kind: "boolean" }, null],
] as const)("tells the bounds of %o", (change, expected) => expect(boundsText(setting(change), t, format)).toBe(expected));

it("finds by all the words, wherever they stand", () => {
  expect(matches(setting({}), "keep JOBS")).toBe(true);
  expect(matches(setting({}), "keep mail")).toBe(false);
  expect(matches(setting({}), "")).toBe(true);
});

it.each([
  ["en", "0.3", 0.3],
  ["fr", "0,3", 0.3],
  ["fr", "0.3", 0.3],
  ["en", " 604800 ", 604_800],
  ["en", "-5", -5],
  ["en", "1,000", NaN],
  ["fr", "1 000", NaN],
  ["en", "", NaN],
  ["en", "ten", NaN],
  ["en", "1e3", NaN],
] as const)("%s: reads %o", (locale, text, expected) => expect(readNumber(text, locale)).toBe(expected));

it.each(["en", "fr"] as const)("%s: reads what it writes", (locale) => {
  for (const value of [0, 0.3, 604_800, -12.5]) expect(readNumber(writeNumber(value, locale), locale)).toBe(value);
});

it.each([
  [720, { kind: "integer", unit: "h" }, "30 d"],
  [30, { kind: "integer", unit: "h" }, null],
  [90, { kind: "duration_s", unit: "s" }, "1 min 30 s"],
  [45, { kind: "duration_s", unit: "s" }, null],
  [75, { kind: "integer", unit: "%" }, null],
  [NaN, { kind: "duration_s", unit: "s" }, null],
] as const)("reads the span %o of %o", (value, change, expected) => expect(reading(value, setting(change), format)).toBe(expected));
