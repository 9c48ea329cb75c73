import { describe, expect, it } from "vitest";
import { acrossLine, area, clampPoint, crossesItself, nextPoint, segmentsMeet, shapeFault, type Point } from "./geometry";

const square: Point[] = [[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]];
const bow: Point[] = [[0.2, 0.2], [0.8, 0.8], [0.8, 0.2], [0.2, 0.8]];

describe("segmentsMeet", () => {
  it.each<[string, [Point, Point, Point, Point], boolean]>([
    ["a cross", [[0, 0], [1, 1], [0, 1], [1, 0]], true],
    ["parallels", [[0, 0], [1, 0], [0, 1], [1, 1]], false],
    ["an end on the other", [[0, 0], [1, 0], [0.5, 0], [0.5, 1]], true],
    ["on one line, apart", [[0, 0], [0.4, 0], [0.5, 0], [1, 0]], false],
    ["on one line, overlapping", [[0, 0], [0.6, 0], [0.5, 0], [1, 0]], true],
    ["would meet if longer", [[0, 0], [0.4, 0.4], [0, 1], [1, 0]], false],
  ])("%s", (_, [a, b, c, d], expected) => {
    expect(segmentsMeet(a, b, c, d)).toBe(expected);
    expect(segmentsMeet(c, d, a, b)).toBe(expected);
  });
});

describe("shapeFault", () => {
  it.each<[string, string, Point[], string | null]>([
    ["nothing drawn", "intrusion", [], "too-few"],
    ["two points", "intrusion", square.slice(0, 2), "too-few"],
    ["a triangle", "loitering", square.slice(0, 3), null],
    ["a square", "intrusion", square, null],
    ["a bow tie", "intrusion", bow, "crossing"],
    ["points on one line", "intrusion", [[0.1, 0.1], [0.5, 0.1], [0.9, 0.1]], "too-small"],
    ["a speck", "intrusion", [[0.5, 0.5], [0.501, 0.5], [0.5, 0.501]], "too-small"],
    ["a line", "line_crossing", square.slice(0, 2), null],
    ["a line of one point", "line_crossing", square.slice(0, 1), "not-two"],
    ["a line of three points", "line_crossing", square.slice(0, 3), "not-two"],
    ["a line without length", "line_crossing", [[0.5, 0.5], [0.502, 0.5]], "too-small"],
  ])("%s", (_, kind, points, expected) => expect(shapeFault(kind, points)).toBe(expected));
});

it("knows a self-crossing whichever corner the outline starts from, either way round", () => {
  for (let start = 0; start < 4; start += 1) {
    const turned = [...bow.slice(start), ...bow.slice(0, start)];
    expect(crossesItself(turned)).toBe(true);
    expect(crossesItself(turned.toReversed())).toBe(true);
    const plain = [...square.slice(start), ...square.slice(0, start)];
    expect(crossesItself(plain)).toBe(false);
  }
});

it("measures area without regard to direction", () => {
  expect(area(square)).toBeCloseTo(0.36);
  expect(area(square.toReversed())).toBeCloseTo(0.36);
});

it("keeps points in the picture", () => expect(clampPoint([-0.2, 1.7])).toEqual([0, 1]));

it("points from the left of the line to its right, as seen on the screen", () => {
  // Drawn from left to right: the right hand side is below.
  expect(acrossLine([0, 0.5], [1, 0.5], 100, 100)[1]).toBeCloseTo(1);
  // Drawn downwards: the right hand side is the left of the picture.
  expect(acrossLine([0.5, 0], [0.5, 1], 100, 100)[0]).toBeCloseTo(-1);
});

it("places points asked for by keyboard so that a valid shape grows", () => {
  let points: Point[] = [];
  for (let count = 1; count <= 6; count += 1) {
    const { index, point } = nextPoint(points);
    points = points.toSpliced(index, 0, point);
    if (count >= 3) expect(shapeFault("intrusion", points)).toBeNull();
  }
  expect(points).toHaveLength(6);
});
