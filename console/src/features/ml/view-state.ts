import { textOf } from "@/lib/search";
import { parseColumns, parseOrder, type Column } from "./columns";
import { X_AXES, type XAxis } from "./series";

/** Lists of ids in one text of the address. */
export function parseIds(value: unknown): string[] {
  return [...new Set((textOf(value) ?? "").split(",").filter((id) => /^[\w-]+$/.test(id)))];
}

export function printIds(ids: Iterable<string>): string | undefined {
  return [...ids].join(",") || undefined;
}

/** What the runs' table shows, as the address says it. */
export interface RunsSearch {
  filter?: string;
  order?: string;
  columns?: string;
  deleted?: "1";
}

export function parseRunsSearch(search: Record<string, unknown>): RunsSearch {
  const order = textOf(search.order);
  const columns = textOf(search.columns);
  return {
    filter: textOf(search.filter),
    order: parseOrder(order) ? order : undefined,
    columns: parseColumns(columns) ? columns : undefined,
    deleted: search.deleted === "1" ? "1" : undefined,
  };
}

/** How metrics are drawn. */
export interface ChartSearch {
  x?: XAxis;
  /** The weight of smoothing, 0 to 0.99. */
  smooth?: number;
  log?: "1";
  /** Only charts whose name holds this. */
  find?: string;
}

export function parseChartSearch(search: Record<string, unknown>): ChartSearch {
  const smooth = Number(search.smooth);
  return {
    x: X_AXES.find((axis) => axis === search.x && axis !== "step"),
    smooth: smooth > 0 && smooth < 1 ? Math.round(smooth * 100) / 100 : undefined,
    log: search.log === "1" ? "1" : undefined,
    find: textOf(search.find),
  };
}

export const PLOTS = ["parallel", "scatter", "contour"] as const;
export type Plot = (typeof PLOTS)[number];

/** What is drawn over the chosen runs: axes are columns. */
export interface PlotSearch extends RunsSearch {
  plot?: Plot;
  /** Chosen runs; without, those that the filter finds. */
  runs?: string;
  axes?: string;
  x?: Column;
  y?: Column;
  z?: Column;
}

export function parsePlotSearch(search: Record<string, unknown>): PlotSearch {
  const axis = (value: unknown) => parseColumns(textOf(value))?.[0];
  return {
    ...parseRunsSearch(search),
    plot: PLOTS.find((plot) => plot === search.plot && plot !== "parallel"),
    runs: printIds(parseIds(search.runs)),
    axes: parseColumns(textOf(search.axes)) ? textOf(search.axes) : undefined,
    x: axis(search.x),
    y: axis(search.y),
    z: axis(search.z),
  };
}

export interface CompareSearch extends ChartSearch {
  runs?: string;
  /** Only what differs. */
  diff?: "1";
}

export function parseCompareSearch(search: Record<string, unknown>): CompareSearch {
  return { ...parseChartSearch(search), runs: printIds(parseIds(search.runs)), diff: search.diff === "1" ? "1" : undefined };
}
