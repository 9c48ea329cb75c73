import { CustomChart, ParallelChart, ScatterChart } from "echarts/charts";
import { GridComponent, ParallelComponent, TooltipComponent, VisualMapContinuousComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useMemo, useRef } from "react";
import { useT } from "@/lib/i18n";
import type { Column, Row } from "@/features/ml/columns";
import { useFigure } from "@/features/ml/figures";
import { useInks } from "@/features/ml/palette";
import { contourOption, parallelOption, scatterOption, type Named } from "@/features/ml/plot-options";
import type { Plot } from "@/features/ml/view-state";

// Only what is drawn here; and this file only where it is drawn: it is loaded by itself.
echarts.use([CustomChart, ParallelChart, ScatterChart, GridComponent, ParallelComponent, TooltipComponent, VisualMapContinuousComponent, CanvasRenderer]);

interface Props {
  plot: Plot;
  rows: readonly Row[];
  /** The axes of parallel coordinates; of the others x, y and the colour. */
  axes: readonly Column[];
  x: Column;
  y: Column;
  z: Column | undefined;
  nameOf: (column: Column) => string;
  onRun: (id: string) => void;
}

export default function PlotCanvas({ plot, rows, axes, x, y, z, nameOf, onRun }: Props) {
  const t = useT();
  const inks = useInks();
  const figure = useFigure();
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<echarts.ECharts | null>(null);
  const open = useRef(onRun);
  useEffect(() => {
    open.current = onRun;
  }, [onRun]);
  const option = useMemo(() => {
    const named: Named = { nameOf, figure, inks };
    if (plot === "parallel") return parallelOption(rows, axes, named);
    return plot === "scatter" ? scatterOption(rows, x, y, z, named) : contourOption(rows, x, y, z, named);
  }, [plot, rows, axes, x, y, z, nameOf, figure, inks]);
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const made = echarts.init(element, undefined, { renderer: "canvas" });
    made.on("click", ({ data }) => {
      const id = (data as { id?: unknown } | undefined)?.id;
      if (typeof id === "string") open.current(id);
    });
    chart.current = made;
    const watcher = new ResizeObserver(() => made.resize());
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, []);
  useEffect(() => chart.current?.setOption(option, { notMerge: true }), [option]);
  return (
    <div tabIndex={0} role="region" aria-label={t("ml.plot.label", { n: rows.length })} className="overflow-x-auto focus-visible:-outline-offset-2" data-testid="plot">
      <div ref={host} className="h-[28rem] min-w-full" style={plot === "parallel" ? { width: Math.max(320, axes.length * 120) } : undefined} />
    </div>
  );
}
