import { expect, it } from "vitest";
import { choices, hearsAll, toggled } from "./topics";

it("knows who hears all", () => {
  expect(hearsAll(["*"])).toBe(true);
  expect(hearsAll(["jobs.failed"])).toBe(false);
});

it("adds and takes away topics; one topic ends hearing all", () => {
  expect(toggled(["b.x"], "a.x", true)).toEqual(["a.x", "b.x"]);
  expect(toggled(["a.x", "b.x"], "a.x", false)).toEqual(["b.x"]);
  expect(toggled(["a.x"], "a.x", true)).toEqual(["a.x"]);
  expect(toggled(["*"], "a.x", true)).toEqual(["a.x"]);
});

it("offers a module before its topics, and what was chosen though it is no more", () => {
  expect(choices(["jobs.a", "jobs.b", "web.c"], ["jobs.a", "old.topic", "*"])).toEqual(["jobs.*", "jobs.a", "jobs.b", "web.*", "web.c", "old.topic"]);
});
