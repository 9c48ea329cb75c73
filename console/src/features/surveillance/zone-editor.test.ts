import { expect, it } from "vitest";
import type { Zone } from "@/api/types";
import { initial, reduce, selectedZone, toInput, type Action, type EditorState } from "./zone-editor";

const after = (...actions: Action[]): EditorState => actions.reduce(reduce, initial);
const point = (x: number, y: number): Action => ({ type: "add-point", point: [x, y] });
const area: Action = { type: "new", kind: "intrusion", name: "Lawn" };

it("draws an area click by click until it is closed", () => {
  const state = after(area, point(0.1, 0.1), point(0.9, 0.1), point(0.5, 0.9), { type: "close" });
  expect(selectedZone(state)?.points).toEqual([[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]);
  expect(state.drawing).toBe(false);
});

it("finishes a line with its second point and takes no third", () => {
  const state = after({ type: "new", kind: "line_crossing", name: "Gate" }, point(0, 0.5), point(1, 0.5), point(0.5, 0.9));
  expect(state.drawing).toBe(false);
  expect(selectedZone(state)?.points).toHaveLength(2);
});

it("undoes a whole drag at once", () => {
  const drawn = after(area, point(0.1, 0.1), point(0.9, 0.1), point(0.5, 0.9), { type: "close" });
  const moved = [
    { type: "grab" } as const,
    { type: "move-point", index: 0, point: [0.2, 0.2] } as const,
    { type: "move-point", index: 0, point: [0.3, 0.3] } as const,
  ].reduce<EditorState>((state, action) => reduce(state, action as Action), drawn);
  expect(selectedZone(moved)?.points[0]).toEqual([0.3, 0.3]);
  expect(selectedZone(reduce(moved, { type: "undo" }))?.points[0]).toEqual([0.1, 0.1]);
});

it("undoes step by step to the beginning and stays there", () => {
  let state = after(area, point(0.1, 0.1), point(0.9, 0.1));
  for (let step = 0; step < 5; step += 1) state = reduce(state, { type: "undo" });
  expect(state.zones).toEqual([]);
  expect(state.drawing).toBe(false);
});

it("lets an unfinished area go on Escape, but keeps one that has points enough", () => {
  expect(after(area, point(0.1, 0.1), { type: "cancel" }).zones).toEqual([]);
  expect(after(area, point(0.1, 0.1), point(0.9, 0.1), point(0.5, 0.9), { type: "cancel" }).zones).toHaveLength(1);
});

it("keeps a dragged point in the picture", () => {
  const state = after(area, point(0.5, 0.5), { type: "move-point", index: 0, point: [4, -4] });
  expect(selectedZone(state)?.points[0]).toEqual([1, 0]);
});

it("sends the server its id back and never our key", () => {
  const zone = { id: "zon_1", name: "Door", kind: "loitering", points: [[0, 0], [1, 0], [1, 1]] } as unknown as Zone;
  const state = after({ type: "load", zones: [zone] });
  expect(toInput(state.zones[0]!)).toEqual(zone);
  expect(state.dirty).toBe(false);
  expect(toInput(selectedZone(after(area))!)).not.toHaveProperty("id");
});
