import type { EChartsCoreOption } from "echarts/core";
import { axisOf, keyOf, type Column, type Row } from "./columns";
import { levelsOf } from "./contour";
import type { Inks } from "./palette";

export interface Named {
  nameOf: (column: Column) => string;
  figure: (value: number) => string;
  inks: Inks;
}

const FONT = "'Geist Variable', sans-serif";

function rangeOf(values: readonly (number | undefined)[]): [number, number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value === undefined || !Number.isFinite(value)) continue;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return least > most ? [0, 1] : least === most ? [least - 0.5, most + 0.5] : [least, most];
}

/** Values over more than two powers of ten read better by powers: rates of learning, sizes. */
export function isWide(values: readonly (number | undefined)[]): boolean {
  const [least, most] = rangeOf(values);
  return least > 0 && most / least > 100;
}

function shade(values: readonly (number | undefined)[], title: string, { inks, figure }: Named, dimension?: number) {
  const [min, max] = rangeOf(values);
  return {
    type: "continuous",
    min,
    max,
    dimension,
    inRange: { color: inks.isDark ? [...inks.scale].slice(1) : [...inks.scale].slice(1) },
    orient: "horizontal",
    left: "center",
    top: 0,
    itemHeight: 140,
    itemWidth: 10,
    text: [`${title} ${figure(max)}`, figure(min)],
    textStyle: { color: inks.muted, fontFamily: FONT, fontSize: 11 },
    calculable: false,
  };
}

function tooltip({ inks }: Named) {
  return {
    // Drawn, not written as HTML: the page's policy takes no styles from texts.
    renderMode: "richText" as const,
    backgroundColor: inks.surface,
    borderColor: inks.line,
    textStyle: { color: inks.ink, fontFamily: FONT, fontSize: 12 },
  };
}

/** Of runs that lack a value on an axis, the line is drawn where it can be. The last axis gives the colour. */
export function parallelOption(rows: readonly Row[], axes: readonly Column[], named: Named): EChartsCoreOption {
  const { inks, figure, nameOf } = named;
  const columns = axes.map((column) => ({ column, ...axisOf(rows, column) }));
  const last = columns.at(-1);
  return {
    animation: false,
    parallel: { left: 40, right: 60, top: 64, bottom: 24, parallelAxisDefault: { realtime: true } },
    parallelAxis: columns.map(({ column, values, names }, dim) => {
      const isLog = !names && isWide(values);
      const [min, max] = rangeOf(values);
      return {
        dim,
        name: nameOf(column).length > 18 ? `${nameOf(column).slice(0, 17)}…` : nameOf(column),
        nameTextStyle: { color: inks.ink, fontFamily: FONT, fontSize: 12 },
        type: isLog ? "log" : "value",
        // Names stand at whole numbers, and the axis begins and ends at one without a name.
        min: names ? -1 : min,
        max: names ? names.length : max,
        ...(names && names.length <= 12 && { interval: 1 }),
        axisLine: { lineStyle: { color: inks.muted } },
        axisTick: { show: false },
        axisLabel: {
          color: inks.muted,
          fontFamily: FONT,
          fontSize: 11,
          hideOverlap: true,
          textBorderColor: inks.surface,
          textBorderWidth: 3,
          formatter: (value: number) => (names ? (Number.isInteger(value) ? (names[value] ?? "").slice(0, 14) : "") : figure(value)),
        },
        areaSelectStyle: { width: 16, borderColor: inks.accent, color: inks.accent, opacity: 0.25 },
      };
    }),
    ...(last && { visualMap: { ...shade(last.values, nameOf(last.column), named, columns.length - 1), show: true } }),
    series: [
      {
        type: "parallel",
        lineStyle: { width: rows.length > 300 ? 0.8 : 1.4, opacity: rows.length > 300 ? 0.25 : 0.6 },
        inactiveOpacity: 0.03,
        progressive: 500,
        smooth: false,
        data: rows.map((row, at) => ({ id: row.info.run_id, name: row.info.run_name, value: columns.map(({ values }) => values[at] ?? Number.NaN) })),
      },
    ],
  };
}

/** The axis ends where the runs do, with a little air; names stand in the middle of their places. */
function bounds(values: readonly (number | undefined)[], names: readonly string[] | undefined) {
  if (names) return { min: -1, max: names.length, ...(names.length <= 20 && { interval: 1 }) };
  const [least, most] = rangeOf(values);
  if (isWide(values)) return { min: least / 1.2, max: most * 1.2 };
  const air = (most - least) * 0.03;
  return { min: least - air, max: most + air };
}

function pointAxis(column: Column, values: readonly (number | undefined)[], names: readonly string[] | undefined, { inks, figure, nameOf }: Named, isX: boolean) {
  return {
    type: !names && isWide(values) ? "log" : "value",
    name: nameOf(column),
    nameLocation: "middle",
    nameGap: isX ? 28 : 52,
    nameTextStyle: { color: inks.ink, fontFamily: FONT, fontSize: 12 },
    ...bounds(values, names),
    axisLine: { lineStyle: { color: inks.muted } },
    splitLine: { lineStyle: { color: inks.line } },
    axisLabel: { color: inks.muted, fontFamily: FONT, fontSize: 11, hideOverlap: true, showMinLabel: false, showMaxLabel: false, formatter: (value: number) => (names ? (Number.isInteger(value) ? (names[value] ?? "") : "") : figure(value)) },
  };
}

const GRID = { left: 72, right: 20, top: 48, bottom: 48 };

function textOf(row: Row, columns: readonly Column[], { nameOf }: Named): string {
  return [row.info.run_name || row.info.run_id, ...columns.map((column) => `${nameOf(column)}: ${row.cells[column] ?? "–"}`)].join("\n");
}

function places(rows: readonly Row[], x: Column, y: Column, z: Column | undefined) {
  const [xs, ys, zs] = [axisOf(rows, x), axisOf(rows, y), z ? axisOf(rows, z) : undefined];
  const data = rows.flatMap((row, at) => {
    const value = [xs.values[at], ys.values[at], zs?.values[at]];
    return value[0] === undefined || value[1] === undefined ? [] : [{ id: row.info.run_id, row, value }];
  });
  return { xs, ys, zs, data };
}

export function scatterOption(rows: readonly Row[], x: Column, y: Column, z: Column | undefined, named: Named): EChartsCoreOption {
  const { xs, ys, zs, data } = places(rows, x, y, z);
  return {
    animation: false,
    grid: GRID,
    tooltip: { ...tooltip(named), formatter: ({ data: one }: { data: { row: Row } }) => textOf(one.row, [x, y, ...(z ? [z] : [])], named) },
    xAxis: pointAxis(x, xs.values, xs.names, named, true),
    yAxis: pointAxis(y, ys.values, ys.names, named, false),
    ...(z && zs && { visualMap: shade(zs.values, named.nameOf(z), named, 2) }),
    series: [{ type: "scatter", symbolSize: data.length > 1000 ? 4 : 8, itemStyle: { opacity: 0.75, ...(!z && { color: named.inks.accent }) }, data }],
  };
}

/** Over x and y the lines of equal z, between the runs by their distance; the runs themselves as dots. */
export function contourOption(rows: readonly Row[], x: Column, y: Column, z: Column | undefined, named: Named): EChartsCoreOption {
  if (!z) return scatterOption(rows, x, y, z, named);
  const { xs, ys, zs, data } = places(rows, x, y, z);
  const samples = data.flatMap(({ value: [px, py, pz] }) => (pz !== undefined && Number.isFinite(pz) ? [{ x: px!, y: py!, z: pz }] : []));
  const [logX, logY] = [!xs.names && isWide(xs.values), !ys.names && isWide(ys.values)];
  const flat = (value: number, isLog: boolean) => (isLog ? Math.log10(value) : value);
  const round = (value: number, isLog: boolean) => (isLog ? 10 ** value : value);
  // Distances as they are seen: on an axis of powers, between powers. Thousands of runs add nothing to 48 by 48 places.
  const step = Math.max(1, Math.ceil(samples.length / 1500));
  const levels = levelsOf(samples.filter((_, at) => at % step === 0).map((one) => ({ x: flat(one.x, logX), y: flat(one.y, logY), z: one.z })));
  const scatter = scatterOption(rows, x, y, z, named);
  const colours = named.inks.scale.slice(1);
  return {
    ...scatter,
    visualMap: { ...shade(zs?.values ?? [], named.nameOf(z), named, 2), seriesIndex: 1 },
    series: [
      {
        type: "custom",
        silent: true,
        data: levels.map((_, at) => at),
        renderItem: (params: { dataIndex: number; coordSys: { x: number; y: number; width: number; height: number } }, api: { coord: (at: number[]) => number[] }) => {
          const level = levels[params.dataIndex]!;
          const share = levels.length > 1 ? params.dataIndex / (levels.length - 1) : 0;
          const ring = (points: [number, number][]) =>
            points.map(([px, py], at) => `${at === 0 ? "M" : "L"}${api.coord([round(px, logX), round(py, logY)]).map((one) => one.toFixed(1)).join(" ")}`).join("") + "Z";
          return {
            type: "group",
            children: level.polygons.map((polygon) => ({
              type: "path",
              shape: { pathData: polygon.map(ring).join("") },
              style: { fill: mixed(colours, share), stroke: named.inks.surface, lineWidth: 0.5, opacity: 0.85 },
            })),
          };
        },
        z: 1,
      },
      { type: "scatter", symbolSize: data.length > 1000 ? 3 : 7, itemStyle: { borderColor: named.inks.ink, borderWidth: 1, opacity: 0.9 }, data, z: 2 },
    ],
  };
}

/** A colour between the steps of a scale. */
export function mixed(scale: readonly string[], share: number): string {
  const at = Math.min(Math.max(share, 0), 1) * (scale.length - 1);
  const low = Math.floor(at);
  const parts = (colour: string) => [1, 3, 5].map((from) => Number.parseInt(colour.slice(from, from + 2), 16));
  const [a, b] = [parts(scale[low]!), parts(scale[Math.min(low + 1, scale.length - 1)]!)];
  return `#${a.map((one, part) => Math.round(one + (b[part]! - one) * (at - low)).toString(16).padStart(2, "0")).join("")}`;
}

/** Two params that are numbers, for a plane to draw on; else what there is. */
export function usualPlane(rows: readonly Row[], axes: readonly Column[]): Column[] {
  const params = axes.filter((column) => column.startsWith("params."));
  return [...params.filter((column) => !axisOf(rows, column).names), ...params.filter((column) => axisOf(rows, column).names)];
}

/** The axes until somebody chooses: params that differ, then the metric that the runs are judged by. */
export function usualAxes(rows: readonly Row[], columns: readonly Column[]): Column[] {
  const differs = (column: Column) => new Set(rows.map((row) => row.cells[column])).size > 1;
  const params = columns.filter((column) => column.startsWith("params.") && differs(column)).slice(0, 5);
  const metrics = columns.filter((column) => column.startsWith("metrics.") && differs(column) && !/time|duration/.test(keyOf(column)));
  return [...params, ...metrics.slice(0, 2).reverse()];
}
