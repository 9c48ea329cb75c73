import { describe, expect, it } from "vitest";
import type { Row } from "./columns";
import { levelsOf, surface } from "./contour";
import { isWide, mixed, parallelOption, usualAxes, usualPlane } from "./plot-options";

describe("a surface between runs", () => {
  const samples = [{ x: 0, y: 0, z: 1 }, { x: 10, y: 0, z: 2 }, { x: 0, y: 100, z: 3 }, { x: 10, y: 100, z: 4 }];
  it("goes through the runs and never beyond their values", () => {
    const { values, x, y } = surface(samples, 11);
    expect([x, y]).toEqual([[0, 10], [0, 100]]);
    expect([values[0], values[10], values[110], values[120]]).toEqual([1, 2, 3, 4]);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...values)).toBeLessThanOrEqual(4);
    expect(values[60]).toBeCloseTo(2.5);
  });
  it("has lines within the runs' range", () => {
    const levels = levelsOf(samples, 5, 21);
    expect(levels.length).toBe(5);
    const all = levels.flatMap(({ polygons }) => polygons.flat(2));
    expect(all.every(([px, py]) => px >= 0 && px <= 10 && py >= 0 && py <= 100)).toBe(true);
  });
  it("is not drawn of too little, nor of a plain", () => {
    expect(levelsOf(samples.slice(0, 2))).toEqual([]);
    expect(levelsOf(samples.map((one) => ({ ...one, z: 7 })))).toEqual([]);
  });
});

const row = (cells: Row["cells"]): Row => ({ info: { run_id: "r", experiment_id: "1", status: "FINISHED", lifecycle_stage: "active" }, parent: undefined, cells });

describe("axes", () => {
  const rows = [row({ "params.lr": "0.1", "params.kind": "a", "params.same": "1", "metrics.auc": 0.5 }), row({ "params.lr": "0.2", "params.kind": "b", "params.same": "1", "metrics.auc": 0.6 })];
  it("are what differs, the metric last", () => {
    const axes = usualAxes(rows, ["metrics.auc", "params.kind", "params.lr", "params.same"]);
    expect(axes).toEqual(["params.kind", "params.lr", "metrics.auc"]);
    expect(usualPlane(rows, axes)).toEqual(["params.lr", "params.kind"]);
  });
  it("go by powers of ten where values do", () => {
    expect(isWide([0.001, 1])).toBe(true);
    expect(isWide([0, 1000])).toBe(false);
    expect(isWide([5, 50])).toBe(false);
  });
  it("of runs that lack a value are drawn all the same", () => {
    const named = { nameOf: String, figure: String, inks: { isDark: false, ink: "", muted: "", line: "", surface: "", accent: "", lines: [], scale: ["#000000", "#ffffff"] } };
    const option = parallelOption([...rows, row({})], ["params.lr", "metrics.auc"], named) as { series: { data: { value: number[] }[] }[] };
    expect(option.series[0]!.data.map(({ value }) => value)).toEqual([[0.1, 0.5], [0.2, 0.6], [Number.NaN, Number.NaN]]);
  });
});

it("mixes colours between the steps of a scale", () => {
  expect([mixed(["#000000", "#ffffff"], 0), mixed(["#000000", "#ffffff"], 0.5), mixed(["#000000", "#ffffff"], 1), mixed(["#000000"], 2)]).toEqual(["#000000", "#808080", "#ffffff", "#000000"]);
});
