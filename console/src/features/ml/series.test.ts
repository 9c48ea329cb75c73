import { describe, expect, it } from "vitest";
import { aligned, groupOf, grouped, pointsEach, pointsOf, smoothed, thinned, xOf } from "./series";
import { figure } from "./figures";
import { seenRows } from "./window";

const points = (values: number[]) => values.map((value, step) => ({ step, at: 1000 * step + 5000, value }));

describe("points", () => {
  it("come by step, then by time, whatever the order they were sent in", () => {
    const sorted = pointsOf([
      { key: "a", value: 3, timestamp: 9, step: 2 },
      { key: "a", value: 1, timestamp: 5 },
      { key: "a", value: "NaN", timestamp: 4, step: 2 },
    ]);
    expect(sorted.map(({ step, at }) => [step, at])).toEqual([[0, 5], [2, 4], [2, 9]]);
    expect(sorted[1]!.value).toBeNaN();
  });
  it("stand by step, by time or by seconds since the first", () => {
    const some = points([1, 2, 3]);
    expect(xOf(some, "step")).toEqual([0, 1, 2]);
    expect(xOf(some, "time")).toEqual([5, 6, 7]);
    expect(xOf(some, "relative")).toEqual([0, 1, 2]);
    expect(xOf([], "relative")).toEqual([]);
  });
});

describe("smoothing", () => {
  it("changes nothing at 0 and nothing of a level line", () => {
    expect(smoothed([1, 5, 2], 0)).toEqual([1, 5, 2]);
    for (const value of smoothed([4, 4, 4, 4], 0.9)) expect(value).toBeCloseTo(4);
  });
  it("starts at the first value, not at nought", () => {
    expect(smoothed([10, 0], 0.9)[0]).toBeCloseTo(10);
    // (0.9·0.1·10 + 0.1·0) / (1 − 0.81)
    expect(smoothed([10, 0], 0.9)[1]).toBeCloseTo(0.9 / 0.19);
  });
  it("passes over what is no number", () => {
    const values = smoothed([1, Number.NaN, 1], 0.5);
    expect(values[1]).toBeNaN();
    expect(values[2]).toBeCloseTo(1);
  });
});

describe("thinning", () => {
  it("keeps few points as they are", () => {
    expect(thinned(points([1, 2, 3]), 10)).toHaveLength(3);
  });
  it("keeps both ends, the order and every peak", () => {
    const many = points(Array.from({ length: 10_000 }, (_, at) => (at === 7777 ? 1000 : at === 1234 ? -1000 : Math.sin(at))));
    const few = thinned(many, 500);
    expect(few.length).toBeLessThanOrEqual(502);
    expect(few[0]).toBe(many[0]);
    expect(few.at(-1)).toBe(many.at(-1));
    expect(few.some(({ value }) => value === 1000)).toBe(true);
    expect(few.some(({ value }) => value === -1000)).toBe(true);
    expect(few.every((point, at) => at === 0 || point.step > few[at - 1]!.step)).toBe(true);
  });
});

describe("lines over one axis", () => {
  it("meet where they have points, and are drawn through where they have none", () => {
    const data = aligned([{ x: [0, 2], y: [1, 2] }, { x: [1, 2], y: [5, Number.NaN] }], false);
    expect(data).toEqual([[0, 1, 2], [1, undefined, 2], [undefined, 5, null]]);
  });
  it("leave out nought and below on a logarithmic axis", () => {
    expect(aligned([{ x: [0, 1, 2], y: [0, -1, 10] }], true)[1]).toEqual([null, null, 10]);
  });
});

it("asks for fewer points of each, the more runs there are", () => {
  expect(pointsEach(1)).toBe(1500);
  expect(pointsEach(100)).toBe(200);
  expect(pointsEach(10_000)).toBe(100);
});

it("groups charts by what stands before the last slash", () => {
  expect([groupOf("train/loss"), groupOf("loss"), groupOf("a/b/c"), groupOf("/x")]).toEqual(["train", "", "a/b", ""]);
  expect([...grouped(["a/x", "b", "a/y"], groupOf)]).toEqual([["a", ["a/x", "a/y"]], ["", ["b"]]]);
});

it("writes values so that they can be read", () => {
  expect(figure(0.123456789, "en")).toBe("0.12346");
  expect(figure(0.5, "fr")).toBe("0,5");
  expect(figure(0.0000123, "en")).toBe("1.23e-5");
  expect(figure(1e-5, "en")).toBe("1e-5");
  expect(figure(0, "en")).toBe("0");
  expect(figure(Number.NaN, "en")).toBe("NaN");
  expect(figure(Number.MAX_VALUE, "en")).toBe("∞");
  expect(figure(-Number.MAX_VALUE, "en")).toBe("−∞");
  expect(figure(2026, "en")).toBe("2026");
  expect(figure(123_456, "en")).toBe("123,460");
});

it("builds only the rows in sight, with some to spare", () => {
  expect(seenRows(0, 360, 36, 10_000)).toEqual({ from: 0, to: 22 });
  expect(seenRows(36_000, 360, 36, 10_000)).toEqual({ from: 988, to: 1022 });
  expect(seenRows(360_000, 360, 36, 10_000)).toEqual({ from: 9988, to: 10_000 });
  expect(seenRows(0, 360, 36, 0)).toEqual({ from: 0, to: 0 });
  // Scrolled far down a list that became short.
  expect(seenRows(360_000, 360, 36, 3)).toEqual({ from: 3, to: 3 });
});
