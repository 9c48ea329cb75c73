import type { Metric } from "./types";

export interface Point {
  step: number;
  /** Milliseconds since 1970. */
  at: number;
  value: number;
}

export type XAxis = "step" | "time" | "relative";
export const X_AXES: readonly XAxis[] = ["step", "time", "relative"];

/** As MLflow draws them: by step, then by time. */
export function pointsOf(metrics: readonly Metric[]): Point[] {
  return metrics
    .map((metric) => ({ step: Number(metric.step ?? 0), at: Number(metric.timestamp), value: Number(metric.value) }))
    .sort((a, b) => a.step - b.step || a.at - b.at);
}

/** Where a point stands: its step, its time in seconds (uPlot's unit), or seconds since the run's first point. */
export function xOf(points: readonly Point[], axis: XAxis): number[] {
  if (axis === "step") return points.map(({ step }) => step);
  if (axis === "time") return points.map(({ at }) => at / 1000);
  const first = points.reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY);
  return points.map(({ at }) => (at - first) / 1000);
}

/**
 * Exponential moving average, freed of its bias towards nought (as TensorBoard and MLflow do): `weight` 0 changes nothing,
 * near 1 little is left of the noise. What is no number stays where it is and weighs nothing.
 */
export function smoothed(values: readonly number[], weight: number): number[] {
  if (weight <= 0) return [...values];
  let last = 0;
  let debias = 0;
  return values.map((value) => {
    if (!Number.isFinite(value)) return value;
    last = last * weight + (1 - weight) * value;
    debias = debias * weight + (1 - weight);
    return last / debias;
  });
}

/** At most about `most` points, of each stretch its least and its greatest: peaks are not lost, as they are when every n-th is taken. */
export function thinned<P extends { value: number }>(points: readonly P[], most: number): P[] {
  if (points.length <= most || most < 4) return [...points];
  const stretch = (points.length - 2) / Math.floor((most - 2) / 2);
  const kept = [0];
  for (let from = 1; Math.round(from) < points.length - 1; from += stretch) {
    const start = Math.round(from);
    const end = Math.min(points.length - 1, Math.round(from + stretch));
    let low = start;
    let high = start;
    for (let at = start; at < end; at++) {
      if (points[at]!.value < points[low]!.value) low = at;
      if (points[at]!.value > points[high]!.value) high = at;
    }
    kept.push(Math.min(low, high));
    if (low !== high) kept.push(Math.max(low, high));
  }
  kept.push(points.length - 1);
  return kept.map((at) => points[at]!);
}

/** One line of a chart. */
export interface Line {
  x: readonly number[];
  y: readonly number[];
}

/**
 * Lines over one common x, as uPlot takes them: where a line has no point it is `undefined` (drawn through), where its value is no
 * number `null` (a gap). Of two points at one x of a line the later one stands.
 */
export function aligned(lines: readonly Line[], isLog: boolean): (number | null | undefined)[][] {
  const xs = [...new Set(lines.flatMap((line) => line.x))].sort((a, b) => a - b);
  const places = new Map(xs.map((x, at) => [x, at]));
  const columns = lines.map((line) => {
    const column: (number | null | undefined)[] = new Array<undefined>(xs.length).fill(undefined);
    line.x.forEach((x, at) => {
      const y = line.y[at]!;
      // On a logarithmic axis there is no place for nought and below.
      column[places.get(x)!] = Number.isFinite(y) && !(isLog && y <= 0) ? y : null;
    });
    return column;
  });
  return [xs, ...columns];
}

export function isSystem(key: string): boolean {
  return key.startsWith("system/");
}

/** Charts of one kind stand together: `train/loss` and `train/accuracy` are of `train`. */
export function groupOf(key: string): string {
  const at = key.lastIndexOf("/");
  return at > 0 ? key.slice(0, at) : "";
}

/** How many points of each run to ask for, so that a chart of many runs is not asked for more than a window can show. */
export function pointsEach(runs: number): number {
  return Math.max(100, Math.min(1500, Math.floor(20_000 / Math.max(1, runs))));
}

/** What belongs together, by a name, in the order in which it came. */
export function grouped<T>(items: readonly T[], name: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const of = name(item);
    const group = groups.get(of);
    if (group) group.push(item);
    else groups.set(of, [item]);
  }
  return groups;
}
