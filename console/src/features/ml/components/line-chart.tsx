import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { TAGS, useLocale } from "@/lib/i18n";
import { colourOf } from "@/features/ml/colours";
import { useFigure } from "@/features/ml/figures";
import { useInks, type Inks } from "@/features/ml/palette";
import { aligned, smoothed, thinned, xOf, type Point, type XAxis } from "@/features/ml/series";

export interface ChartLine {
  id: string;
  name: string;
  points: readonly Point[];
  /** Which of the palette's colours. */
  colour: number;
}

interface Props {
  lines: readonly ChartLine[];
  axis: XAxis;
  smooth: number;
  isLog: boolean;
  label: string;
  height?: number;
}

/** More points than a window has pixels say nothing more. */
const POINTS_MAX = 3_000;

interface Drawn {
  data: uPlot.AlignedData;
  series: { line: ChartLine; isRaw: boolean }[];
}

/** Where smoothing is on, each line twice: as it is, faintly, and smoothed. */
function drawn(lines: readonly ChartLine[], axis: XAxis, smooth: number, isLog: boolean): Drawn {
  const series: Drawn["series"] = [];
  const parts = lines.flatMap((line) => {
    const points = thinned(line.points, POINTS_MAX);
    const x = xOf(points, axis);
    // Smoothed before it is thinned: the mean is over all that was logged.
    const raw = points.map(({ value }) => value);
    if (smooth <= 0 || line.points.length < 3) {
      series.push({ line, isRaw: false });
      return [{ x, y: raw }];
    }
    const all = smoothed(line.points.map(({ value }) => value), smooth);
    const places = points.length === line.points.length ? all : undefined;
    const byPoint = places ?? (() => {
      const index = new Map(line.points.map((point, at) => [point, all[at]!]));
      return points.map((point) => index.get(point)!);
    })();
    series.push({ line, isRaw: true }, { line, isRaw: false });
    return [{ x, y: raw }, { x, y: byPoint }];
  });
  return { data: aligned(parts, isLog) as uPlot.AlignedData, series };
}

function seconds(value: number): string {
  if (value < 120) return `${Math.round(value * 10) / 10} s`;
  if (value < 7200) return `${Math.round(value / 6) / 10} min`;
  return `${Math.round(value / 360) / 10} h`;
}

interface Hover {
  left: number;
  top: number;
  x: string;
  values: { id: string; name: string; colour: string; value: number }[];
}

/** A metric of one or many runs. Drag to look closer, double-click to see all again. */
export function LineChart({ lines, axis, smooth, isLog, label, height = 220 }: Props) {
  const locale = useLocale();
  const inks = useInks();
  const figure = useFigure();
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [hover, setHover] = useState<Hover | null>(null);
  const now = useMemo(() => drawn(lines, axis, smooth, isLog), [lines, axis, smooth, isLog]);
  // What the plot is made of: it is made anew only when this changes. New points are only put in.
  const shape = JSON.stringify([now.series.map(({ line, isRaw }) => [line.id, line.colour, isRaw, line.points.length < 2]), axis, isLog, height]);
  const latest = useRef({ now, figure, locale });
  useEffect(() => {
    latest.current = { now, figure, locale };
    plot.current?.setData(now.data);
  }, [now, figure, locale]);

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const { series } = latest.current.now;
    const font = "11px 'Geist Variable', sans-serif";
    const tick = { stroke: inks.muted, font, grid: { stroke: inks.line, width: 1 }, ticks: { show: false } };
    const time = (at: number, withDay: boolean) =>
      new Date(at * 1000).toLocaleString(TAGS[latest.current.locale], withDay ? { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" } : { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    const xText = (value: number) => (axis === "step" ? value.toLocaleString(TAGS[latest.current.locale]) : axis === "time" ? time(value, true) : seconds(value));
    const made = new uPlot(
      {
        width: Math.max(160, element.clientWidth),
        height,
        legend: { show: false },
        cursor: { y: false, points: { size: 6 }, drag: { x: true, y: false } },
        scales: { x: { time: false }, y: { distr: isLog ? 3 : 1 } },
        axes: [
          { ...tick, size: 26, space: axis === "time" ? 110 : 60, values: (_, values) => values.map(xText) },
          { ...tick, size: 52, values: (_, values) => values.map((value) => (value == null ? "" : latest.current.figure(value))) },
        ],
        series: [
          {},
          ...series.map(({ line, isRaw }) => ({
            label: line.name,
            stroke: colourOf(inks, line.colour) + (isRaw ? "40" : ""),
            width: isRaw ? 1 : 1.75,
            spanGaps: false,
            points: { show: line.points.length < 2, size: 6 },
          })),
        ],
        hooks: {
          setCursor: [
            (self) => {
              const { idx, left, top } = self.cursor;
              if (idx == null || left === undefined || left < 0) return setHover(null);
              setHover(readout(self, idx, left, top ?? 0, latest.current.now, inks, xText));
            },
          ],
        },
      },
      latest.current.now.data,
      element,
    );
    plot.current = made;
    const watcher = new ResizeObserver(() => made.setSize({ width: Math.max(160, element.clientWidth), height }));
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      made.destroy();
      plot.current = null;
      setHover(null);
    };
  }, [shape, inks, axis, isLog, height]);

  return (
    <div className="relative min-w-0">
      <div ref={host} role="img" aria-label={label} className="min-w-0" style={{ height }} />
      {hover && (
        <div
          aria-hidden
          className="pointer-events-none absolute z-5 max-w-60 rounded-control border border-line bg-raised px-2 py-1 text-xs shadow-float"
          style={hover.left > (host.current?.clientWidth ?? 0) / 2 ? { right: (host.current?.clientWidth ?? 0) - hover.left - 40, top: 4 } : { left: hover.left + 68, top: 4 }}
        >
          <p className="text-muted tabular-nums">{hover.x}</p>
          {hover.values.map((one) => (
            <p key={one.id} className="flex items-center gap-1.5">
              <span className="size-2 shrink-0 rounded-full" style={{ background: one.colour }} />
              <span className="min-w-0 flex-1 truncate">{one.name}</span>
              <span className="font-medium tabular-nums">{figure(one.value)}</span>
            </p>
          ))}
        </div>
      )}
    </div>
  );
}

/** Of many lines those nearest to the pointer. */
const READ_OUT = 8;

function readout(plot: uPlot, idx: number, left: number, top: number, { data, series }: Drawn, inks: Inks, xText: (value: number) => string): Hover {
  const values = series.flatMap(({ line, isRaw }, at) => {
    if (isRaw) return [];
    const column = data[at + 1]!;
    // A line need not have a point just here: its last one before.
    let place = idx;
    while (place >= 0 && column[place] == null) place -= 1;
    const value = column[place];
    return value == null ? [] : [{ id: line.id, name: line.name, colour: colourOf(inks, line.colour), value, away: Math.abs(plot.valToPos(value, "y") - top) }];
  });
  values.sort((a, b) => a.away - b.away);
  return { left, top, x: xText(data[0][idx]!), values: values.slice(0, READ_OUT).sort((a, b) => b.value - a.value) };
}
