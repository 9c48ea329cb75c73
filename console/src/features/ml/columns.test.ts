import { describe, expect, it } from "vitest";
import { askedColumns, axisOf, compareColumns, orderBy, parseColumns, parseOrder, printColumns, printOrder, quoteKey, quoteValue, rowOf, sampledColumns, turned, usualColumns, type Column } from "./columns";
import type { Run } from "./types";
import { parseChartSearch, parseCompareSearch, parseIds, parsePlotSearch, parseRunsSearch } from "./view-state";

const run = (metrics: Record<string, number | "NaN">, params: Record<string, string> = {}): Run => ({
  info: { run_id: "r", experiment_id: "1", status: "FINISHED", start_time: 1000, end_time: 4000, lifecycle_stage: "active" },
  data: {
    metrics: Object.entries(metrics).map(([key, value]) => ({ key, value, timestamp: 1 })),
    params: Object.entries(params).map(([key, value]) => ({ key, value })),
    tags: [{ key: "mlflow.parentRunId", value: "p" }, { key: "team", value: "x" }],
  },
});

describe("columns", () => {
  it("come back from the address as they went in", () => {
    const columns: Column[] = ["attributes.status", "metrics.val loss/mean", "params.lr", "tags.a.b"];
    expect(parseColumns(printColumns(columns))).toEqual(columns);
  });
  it("are only those that name something", () => {
    expect(parseColumns("metrics.,x,params.lr,params.lr,secrets.a")).toEqual(["params.lr"]);
    expect(parseColumns("nothing")).toBeUndefined();
    expect(parseColumns(undefined)).toBeUndefined();
  });
  it("are quoted as the grammar asks", () => {
    expect(quoteKey("lr")).toBe("lr");
    expect(quoteKey("val/loss")).toBe("`val/loss`");
    expect(quoteValue("it's")).toBe('"it\'s"');
    expect(orderBy({ column: "metrics.val loss", descending: true })).toBe("metrics.`val loss` DESC");
  });
  it("turn from the greatest to the least and back to the usual", () => {
    const first = turned(undefined, "metrics.a");
    expect(printOrder(first!)).toBe("metrics.a DESC");
    const second = turned(first, "metrics.a");
    expect(printOrder(second!)).toBe("metrics.a ASC");
    expect(turned(second, "metrics.a")).toBeUndefined();
    expect(turned(second, "params.b")).toEqual({ column: "params.b", descending: true });
  });
  it("sort only by what the server sorts by", () => {
    expect(parseOrder("metrics.a b ASC")).toEqual({ column: "metrics.a b", descending: false });
    expect(parseOrder("attributes.duration ASC")).toBeUndefined();
    expect(parseOrder("metrics.a")).toBeUndefined();
    expect(parseOrder("x DESC")).toBeUndefined();
  });
});

describe("rows", () => {
  it("keep what is shown and nothing else", () => {
    const row = rowOf(run({ loss: 0.5, other: 1 }, { lr: "0.1" }), ["metrics.loss", "params.lr", "params.absent", "attributes.duration"]);
    expect(row.cells).toEqual({ "metrics.loss": 0.5, "params.lr": "0.1", "attributes.duration": 3000 });
    expect(row.parent).toBe("p");
  });
  it("are asked for with their columns and what a row needs, each once; attributes come with every run", () => {
    expect(askedColumns(["attributes.status", "metrics.a.b", "params.lr"])).toEqual(["metrics.a.b", "params.lr", "tags.mlflow.parentRunId"]);
    expect(askedColumns(["tags.mlflow.parentRunId"])).toEqual(["tags.mlflow.parentRunId"]);
  });
  it("begin with the first of their columns, and with none of MLflow's own", () => {
    const available: Column[] = ["tags.mlflow.user", "tags.team", "params.lr", "metrics.system/cpu", "metrics.b", "metrics.a"];
    available.sort(compareColumns);
    expect(available).toEqual(["metrics.a", "metrics.b", "metrics.system/cpu", "params.lr", "tags.team", "tags.mlflow.user"]);
    expect(usualColumns(available)).toEqual(["attributes.start_time", "attributes.duration", "attributes.status", "metrics.a", "metrics.b", "params.lr"]);
    expect(sampledColumns(available)).toEqual(["params.lr", "metrics.a", "metrics.b"]);
  });
  it("become axes: numbers as numbers, texts by their order, NaN as nothing", () => {
    const rows = [run({ m: "NaN" }, { n: "10", s: "b" }), run({ m: 2 }, { n: "9", s: "a" }), run({})].map((one) => rowOf(one, ["metrics.m", "params.n", "params.s"]));
    expect(axisOf(rows, "params.n")).toEqual({ values: [10, 9, undefined], names: undefined });
    expect(axisOf(rows, "params.s")).toEqual({ values: [1, 0, undefined], names: ["a", "b"] });
    expect(axisOf(rows, "metrics.m").values).toEqual([undefined, 2, undefined]);
  });
});

describe("the address", () => {
  it("keeps a filter whole and drops what it does not know", () => {
    expect(parseRunsSearch({ filter: "metrics.a > 1 AND params.b = 'x,y'", order: "metrics.a DESC", columns: "metrics.a,nonsense", deleted: "1", other: "1" })).toEqual({
      filter: "metrics.a > 1 AND params.b = 'x,y'",
      order: "metrics.a DESC",
      columns: "metrics.a,nonsense",
      deleted: "1",
    });
    expect(parseRunsSearch({ order: "up", columns: ",", deleted: "yes" })).toEqual({});
  });
  it("leaves the usual out", () => {
    expect(parseChartSearch({ x: "step", smooth: "0", log: "0" })).toEqual({});
    expect(parseChartSearch({ x: "relative", smooth: "0.856", log: "1", find: "loss" })).toEqual({ x: "relative", smooth: 0.86, log: "1", find: "loss" });
    expect(parseChartSearch({ smooth: "1" }).smooth).toBeUndefined();
  });
  it("takes runs by their ids, each once", () => {
    expect(parseIds("a1,b2,a1,<script>,")).toEqual(["a1", "b2"]);
    expect(parseCompareSearch({ runs: "a,b", diff: "1" })).toMatchObject({ runs: "a,b", diff: "1" });
    expect(parsePlotSearch({ plot: "contour", x: "params.a", y: "nonsense", runs: "a" })).toMatchObject({ plot: "contour", x: "params.a", y: undefined, runs: "a" });
    expect(parsePlotSearch({ plot: "pie" }).plot).toBeUndefined();
  });
});
