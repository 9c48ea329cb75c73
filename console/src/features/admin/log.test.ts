import { expect, it } from "vitest";
import { entryOf, KEPT, merged, passes, summary, topicChoices } from "./log";

const heard = (offset: number, topic = "jobs.task_changed", data: unknown = {}) => entryOf({ offset, room: "workspace:ws_1", topic, at: "2026-05-04T12:00:00Z", data });

it("shows an event once, though the feed and the socket both told it", () => {
  const live = [heard(12), heard(11)];
  const past = [heard(11), heard(10)];
  expect(merged(live, past).map((entry) => entry.offset)).toEqual([12, 11, 10]);
});

it("leaves out what a task's room was told besides its workspace's", () => {
  expect(merged([{ ...heard(3), room: "task:task_1" }, heard(2)], [{ ...heard(1), room: "task:task_1" }]).map((entry) => entry.offset)).toEqual([2]);
});

it("keeps so many and lets the oldest go", () => {
  const past = Array.from({ length: KEPT + 20 }, (_, n) => heard(KEPT + 20 - n));
  const all = merged([heard(9999)], past);
  expect(all).toHaveLength(KEPT);
  expect(all[0]!.offset).toBe(9999);
  expect(all.at(-1)!.offset).toBe(22);
});

it.each([
  [{ topic: "", words: "" }, true],
  [{ topic: "jobs.", words: "" }, true],
  [{ topic: "jobs.task_changed", words: "" }, true],
  [{ topic: "jobs", words: "" }, false],
  [{ topic: "surveillance.", words: "" }, false],
  [{ topic: "", words: "RUNNING" }, true],
  [{ topic: "", words: "ws_1" }, true],
  [{ topic: "jobs.", words: "failed" }, false],
])("filters by %o", (filter, expected) => expect(passes(heard(1, "jobs.task_changed", { state: "running" }), filter)).toBe(expected));

it("offers modules before topics, each once", () => {
  expect(topicChoices([heard(1), heard(2, "settings.changed"), heard(3)])).toEqual(["jobs.", "settings.", "jobs.task_changed", "settings.changed"]);
});

it("sums data up in one line, and leaves what is deep to the details", () => {
  const data = { attempt: 1, id: "task_1", kind: "a.b", done: false, inner: { a: 1 }, message: null, progress: 40, state: "running" };
  expect(summary(data)).toBe("kind: a.b · state: running · progress: 40 · attempt: 1");
  expect(summary({ id: "evt_1", camera_id: "cam_1", camera_name: "Yard" })).toBe("camera_name: Yard · id: evt_1 · camera_id: cam_1");
  expect(summary(null)).toBe("");
  expect(summary([1, 2])).toBe("0: 1 · 1: 2");
});
