import { describe, expect, it } from "vitest";
import type { Span } from "./types";
import { attributesOf, durationMs, hasFailed, partsOf, waterfall } from "./waterfall";

const at = (ms: number) => String(1_795_267_857_653_000_000n + BigInt(ms) * 1_000_000n);
const span = (id: string, parent: string | undefined, from: number, to: number | undefined): Span => ({
  span_id: id,
  parent_span_id: parent,
  name: id,
  start_time_unix_nano: at(from),
  end_time_unix_nano: to === undefined ? undefined : at(to),
});
const order = (spans: Span[]) => waterfall(spans).bars.map(({ span: one, depth }) => `${"-".repeat(depth)}${one.span_id}`);

describe("a waterfall", () => {
  it("puts children below their parents, by their beginning", () => {
    expect(order([span("c", "a", 50, 60), span("b", "a", 10, 40), span("a", undefined, 0, 100), span("d", "b", 20, 30)])).toEqual(["a", "-b", "--d", "-c"]);
  });
  it("places bars as shares of the whole", () => {
    const { bars, totalMs } = waterfall([span("a", undefined, 0, 200), span("b", "a", 50, 150)]);
    expect(totalMs).toBeCloseTo(200);
    expect(bars[1]!.start).toBeCloseTo(0.25);
    expect(bars[1]!.width).toBeCloseTo(0.5);
    expect(bars[1]!.ms).toBeCloseTo(100);
  });
  it("shows orphans, rings and spans that are their own parent, each once", () => {
    expect(order([span("a", "gone", 0, 1)])).toEqual(["a"]);
    expect(order([span("a", "a", 0, 1)])).toEqual(["a"]);
    expect(order([span("a", "b", 0, 1), span("b", "a", 0, 1)])).toEqual(["a", "-b"]);
  });
  it("draws what goes on to the end, and a clock that ran backwards as nothing", () => {
    const { bars } = waterfall([span("a", undefined, 0, 100), span("b", "a", 40, undefined), span("c", "a", 60, 50)]);
    expect(bars[1]).toMatchObject({ ms: undefined });
    expect(bars[1]!.start + bars[1]!.width).toBeCloseTo(1);
    expect(bars[2]!.width).toBe(0);
  });
  it("is empty without spans", () => {
    expect(waterfall([])).toEqual({ bars: [], totalMs: 0 });
  });
});

describe("what a span holds", () => {
  it("is read from OpenTelemetry's pairs and from MLflow's JSON", () => {
    const attributes = [
      { key: "mlflow.spanType", value: { string_value: '"LLM"' } },
      { key: "mlflow.spanInputs", value: { string_value: '{"q": 1}' } },
      { key: "n", value: { int_value: "7" } },
      { key: "list", value: { array_value: { values: [{ string_value: "a" }, { bool_value: true }] } } },
    ];
    const parts = partsOf({ ...span("a", undefined, 0, 1), attributes });
    expect(parts).toEqual({ type: "LLM", inputs: { q: 1 }, outputs: undefined, attributes: [["n", 7], ["list", ["a", true]]] });
    expect(attributesOf({ plain: 1 })).toEqual({ plain: 1 });
    expect(attributesOf(undefined)).toEqual({});
  });
  it("tells failures and durations", () => {
    expect(hasFailed({ ...span("a", undefined, 0, 1), status: { code: "STATUS_CODE_ERROR" } })).toBe(true);
    expect(hasFailed({ ...span("a", undefined, 0, 1), status: { code: "STATUS_CODE_OK" } })).toBe(false);
    expect([durationMs("0.804s"), durationMs("-1.5s"), durationMs("x"), durationMs(undefined)]).toEqual([804, -1500, undefined, undefined]);
  });
});
