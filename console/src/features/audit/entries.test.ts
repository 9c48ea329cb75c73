import { expect, it } from "vitest";
import { changesOf, dayBounds, knownActions, restOf } from "./entries";
import { exportAddress } from "./queries";

it("puts before and after side by side, and leaves out what stayed", () => {
  expect(changesOf({ before: { name: "A", same: 1 }, after: { name: "B", same: 1, more: [1] } })).toEqual([
    { name: "name", before: "A", after: "B" },
    { name: "more", before: null, after: "[\n  1\n]" },
  ]);
  expect(changesOf({ before: null, after: { name: "B" } })).toEqual([{ name: "name", before: null, after: "B" }]);
  expect(changesOf({ reason: "x" })).toBeNull();
  expect(changesOf("x")).toBeNull();
});

it("keeps what else was told", () => {
  expect(restOf({ before: {}, after: null, reason: "x" })).toEqual({ reason: "x" });
  expect(restOf({ before: {} })).toBeNull();
});

it("offers what it has words for, by name", () => {
  expect(knownActions).toContain("identity.login");
  expect(knownActions.every((name) => /^[a-z_]+\.[a-z-]+$/.test(name))).toBe(true);
});

it("takes days whole, in the time of the place", () => {
  const bounds = dayBounds("2026-03-01", "2026-03-01");
  expect(new Date(bounds.from!).toString()).toBe(new Date(2026, 2, 1).toString());
  expect(new Date(bounds.to!).toString()).toBe(new Date(2026, 2, 2).toString());
  expect(dayBounds(undefined, "x")).toEqual({ from: undefined, to: undefined });
});

it("downloads what the filters let through", () => {
  expect(exportAddress("csv", { action: "identity.login", actor: undefined, q: "a b" })).toBe("/api/v1/audit/export?format=csv&action=identity.login&q=a+b");
});
