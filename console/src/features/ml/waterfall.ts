import type { Span } from "./types";

export interface Bar {
  span: Span;
  depth: number;
  /** Of the whole trace, 0 to 1. */
  start: number;
  width: number;
  /** Milliseconds; undefined while it goes on. */
  ms: number | undefined;
  hasChildren: boolean;
}

/** Nanoseconds as milliseconds from a first one. Whole nanoseconds since 1970 do not fit a float: the difference does. */
function since(nanos: number | string, first: bigint): number {
  return Number(bigint(nanos) - first) / 1e6;
}

function bigint(nanos: number | string): bigint {
  try {
    return BigInt(typeof nanos === "number" ? Math.round(nanos) : nanos);
  } catch {
    return 0n;
  }
}

/**
 * The spans of a trace in the order of a tree: parents before their children, children by their beginning. A span whose parent is
 * not there stands at the top, and so does one of a ring of parents.
 */
export function waterfall(spans: readonly Span[]): { bars: Bar[]; totalMs: number } {
  if (spans.length === 0) return { bars: [], totalMs: 0 };
  const first = spans.map((span) => bigint(span.start_time_unix_nano)).reduce((least, one) => (one < least ? one : least));
  const times = new Map(
    spans.map((span) => {
      const from = since(span.start_time_unix_nano, first);
      const end = span.end_time_unix_nano === undefined || span.end_time_unix_nano === "" || Number(span.end_time_unix_nano) === 0 ? undefined : since(span.end_time_unix_nano, first);
      return [span, { from, to: end === undefined ? undefined : Math.max(from, end) }] as const;
    }),
  );
  const totalMs = Math.max(...[...times.values()].map(({ from, to }) => to ?? from), 0);
  const ids = new Set(spans.map((span) => span.span_id));
  const children = new Map<string, Span[]>();
  for (const span of spans) {
    const parent = span.parent_span_id && span.parent_span_id !== span.span_id && ids.has(span.parent_span_id) ? span.parent_span_id : "";
    children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  for (const list of children.values()) list.sort((a, b) => times.get(a)!.from - times.get(b)!.from);
  const bars: Bar[] = [];
  const seen = new Set<Span>();
  const walk = (span: Span, depth: number) => {
    if (seen.has(span)) return;
    seen.add(span);
    const { from, to } = times.get(span)!;
    const below = children.get(span.span_id) ?? [];
    const scale = totalMs > 0 ? totalMs : 1;
    bars.push({ span, depth, start: from / scale, width: ((to ?? totalMs) - from) / scale, ms: to === undefined ? undefined : to - from, hasChildren: below.length > 0 });
    for (const child of below) walk(child, depth + 1);
  };
  for (const span of children.get("") ?? []) walk(span, 0);
  for (const span of spans) walk(span, 0);
  return { bars, totalMs };
}

/** OTLP's `[{key, value: {string_value}}]`, or a plain object, as a plain object. */
export function attributesOf(attributes: unknown): Record<string, unknown> {
  if (Array.isArray(attributes)) {
    return Object.fromEntries(attributes.map((one: { key?: unknown; value?: unknown }) => [String(one.key), plain(one.value)]));
  }
  return typeof attributes === "object" && attributes !== null ? (attributes as Record<string, unknown>) : {};
}

function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const [kind, inner] = Object.entries(value)[0] ?? [];
  switch (kind?.replace(/_?[vV]alue$/, "")) {
    case "string":
    case "bool":
    case "double":
    case "bytes":
      return inner;
    case "int":
      return Number(inner);
    case "array":
      return ((inner as { values?: unknown[] }).values ?? []).map(plain);
    case "kvlist":
      return attributesOf((inner as { values?: unknown[] }).values ?? []);
    default:
      return value;
  }
}

/** MLflow writes what its attributes hold as JSON. */
export function unpacked(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

export interface SpanParts {
  type: string;
  inputs: unknown;
  outputs: unknown;
  /** The others, in their order. */
  attributes: [string, unknown][];
}

const OWN = new Set(["mlflow.spanInputs", "mlflow.spanOutputs", "mlflow.spanType", "mlflow.traceRequestId"]);

export function partsOf(span: Span): SpanParts {
  const attributes = attributesOf(span.attributes);
  const type = unpacked(attributes["mlflow.spanType"]);
  return {
    type: typeof type === "string" ? type : "UNKNOWN",
    inputs: unpacked(attributes["mlflow.spanInputs"]),
    outputs: unpacked(attributes["mlflow.spanOutputs"]),
    attributes: Object.entries(attributes)
      .filter(([key]) => !OWN.has(key))
      .map(([key, value]) => [key, unpacked(value)]),
  };
}

export function hasFailed(span: Span): boolean {
  return /ERROR/.test(span.status?.code ?? "");
}

/** `0.804s` in milliseconds. */
export function durationMs(text: string | undefined): number | undefined {
  const seconds = Number(/^(-?[\d.]+)s$/.exec(text ?? "")?.[1] ?? Number.NaN);
  return Number.isNaN(seconds) ? undefined : seconds * 1000;
}
