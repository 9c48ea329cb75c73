import { contours } from "d3-contour";

export interface Sample {
  x: number;
  y: number;
  z: number;
}

export interface Level {
  value: number;
  /** Rings in the units of the samples: of each polygon the outer one first, then its holes. */
  polygons: [number, number][][][];
}

const GRID = 48;

/**
 * What `z` may be between the samples: means weighted by the inverse square of the distance (Shepard 1968), on a grid over the
 * samples' range. Distances are taken in shares of that range, so that units do not matter.
 */
export function surface(samples: readonly Sample[], size = GRID): { values: number[]; x: [number, number]; y: [number, number] } {
  const range = (values: number[]): [number, number] => {
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return least === most ? [least - 0.5, most + 0.5] : [least, most];
  };
  const x = range(samples.map((one) => one.x));
  const y = range(samples.map((one) => one.y));
  const places = samples.map((one) => [(one.x - x[0]) / (x[1] - x[0]), (one.y - y[0]) / (y[1] - y[0]), one.z] as const);
  const values: number[] = [];
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const [u, v] = [column / (size - 1), row / (size - 1)];
      let sum = 0;
      let weights = 0;
      for (const [px, py, z] of places) {
        const distance = (u - px) ** 2 + (v - py) ** 2;
        if (distance < 1e-9) {
          sum = z;
          weights = 1;
          break;
        }
        sum += z / distance;
        weights += 1 / distance;
      }
      values.push(sum / weights);
    }
  }
  return { values, x, y };
}

export function levelsOf(samples: readonly Sample[], count = 9, size = GRID): Level[] {
  if (samples.length < 3) return [];
  const heights = samples.map(({ z }) => z);
  const [least, most] = [Math.min(...heights), Math.max(...heights)];
  // By the samples: the means between equal ones differ by their rounding.
  if (least === most) return [];
  const { values, x, y } = surface(samples, size);
  const thresholds = Array.from({ length: count }, (_, at) => least + ((most - least) * at) / count);
  // d3 speaks of cells' corners: half a cell off the points, which are their middles.
  const place = (value: number, [from, to]: [number, number]) => from + ((Math.min(Math.max(value - 0.5, 0), size - 1)) / (size - 1)) * (to - from);
  return contours()
    .size([size, size])
    .thresholds(thresholds)(values)
    .map((level) => ({
      value: level.value,
      polygons: level.coordinates.map((polygon) => polygon.map((ring) => ring.map(([px, py]) => [place(px!, x), place(py!, y)] as [number, number]))),
    }));
}
