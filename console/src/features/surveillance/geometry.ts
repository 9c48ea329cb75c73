/** A point of the picture, `[x, y]`, each 0 to 1 from the upper left. */
export type Point = [number, number];

export type ShapeFault = "too-few" | "crossing" | "too-small" | "not-two";

/** Below this share of the picture an area cannot hold a person: a slip of the hand. */
export const AREA_MIN = 0.0005;

export function clampPoint([x, y]: Point): Point {
  const clamp = (value: number) => Math.min(1, Math.max(0, Math.round(value * 10_000) / 10_000));
  return [clamp(x), clamp(y)];
}

/** Twice the signed area of the triangle a b c: positive where the way turns right on the screen (y grows downwards). */
function turn(a: Point, b: Point, c: Point): number {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

function within(a: Point, b: Point, p: Point): boolean {
  return (
    Math.min(a[0], b[0]) <= p[0] && p[0] <= Math.max(a[0], b[0]) && Math.min(a[1], b[1]) <= p[1] && p[1] <= Math.max(a[1], b[1])
  );
}

/** Whether two closed segments share a point; touching counts. */
export function segmentsMeet(a: Point, b: Point, c: Point, d: Point): boolean {
  const [d1, d2, d3, d4] = [turn(c, d, a), turn(c, d, b), turn(a, b, c), turn(a, b, d)];
  if (d1 * d2 < 0 && d3 * d4 < 0) return true;
  return (
    (d1 === 0 && within(c, d, a)) || (d2 === 0 && within(c, d, b)) || (d3 === 0 && within(a, b, c)) || (d4 === 0 && within(a, b, d))
  );
}

/** Whether the closed outline meets itself anywhere but at the corner that two neighbours share. */
export function crossesItself(points: readonly Point[]): boolean {
  const n = points.length;
  for (let i = 0; i < n; i += 1) {
    for (let j = i + 1; j < n; j += 1) {
      if (j === i + 1 || (i === 0 && j === n - 1)) continue;
      if (segmentsMeet(points[i]!, points[(i + 1) % n]!, points[j]!, points[(j + 1) % n]!)) return true;
    }
  }
  return false;
}

/** Area of a simple outline (shoelace), as a share of the picture. */
export function area(points: readonly Point[]): number {
  let twice = 0;
  points.forEach((point, index) => {
    const next = points[(index + 1) % points.length]!;
    twice += point[0] * next[1] - next[0] * point[1];
  });
  return Math.abs(twice) / 2;
}

/** What the server would refuse, found before it is asked. */
export function shapeFault(kind: string, points: readonly Point[]): ShapeFault | null {
  if (kind === "line_crossing") {
    if (points.length !== 2) return "not-two";
    const [a, b] = points as [Point, Point];
    return Math.hypot(a[0] - b[0], a[1] - b[1]) < 0.01 ? "too-small" : null;
  }
  if (points.length < 3) return "too-few";
  if (crossesItself(points)) return "crossing";
  return area(points) < AREA_MIN ? "too-small" : null;
}

export function centre(points: readonly Point[]): Point {
  const sum = points.reduce<Point>((total, point) => [total[0] + point[0], total[1] + point[1]], [0, 0]);
  return [sum[0] / points.length, sum[1] / points.length];
}

/**
 * The unit vector across a line from its side A to its side B, in pixels of a picture `width` × `height`. Walking from the first
 * point to the second, A lies to the left and B to the right as seen on the screen.
 */
export function acrossLine(a: Point, b: Point, width: number, height: number): Point {
  const dx = (b[0] - a[0]) * width;
  const dy = (b[1] - a[1]) * height;
  const length = Math.hypot(dx, dy) || 1;
  return [-dy / length, dx / length];
}

/** Where a new point asked for by keyboard goes: the middle of the longest side, or of the picture while there is no side. */
export function nextPoint(points: readonly Point[]): { index: number; point: Point } {
  if (points.length === 0) return { index: 0, point: [0.4, 0.4] };
  if (points.length === 1) return { index: 1, point: clampPoint([points[0]![0] + 0.2, points[0]![1]]) };
  if (points.length === 2) {
    const [a, b] = points as [Point, Point];
    return { index: 2, point: clampPoint([(a[0] + b[0]) / 2, Math.max(a[1], b[1]) + 0.2]) };
  }
  let best = 0;
  let longest = -1;
  points.forEach((point, index) => {
    const next = points[(index + 1) % points.length]!;
    const length = Math.hypot(point[0] - next[0], point[1] - next[1]);
    if (length > longest) [longest, best] = [length, index];
  });
  const [a, b] = [points[best]!, points[(best + 1) % points.length]!];
  return { index: best + 1, point: clampPoint([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]) };
}
