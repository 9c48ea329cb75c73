import { useState } from "react";
import { useT } from "@/lib/i18n";
import { Button } from "@/ui/button";
import { colourOf } from "@/features/ml/colours";
import { useFigure } from "@/features/ml/figures";
import { useInks } from "@/features/ml/palette";
import type { ChartLine } from "./line-chart";

const SHOWN = 8;

/** Metrics that were logged once have no course to draw: their values side by side, the greatest first. */
export function ValueBars({ lines }: { lines: readonly ChartLine[] }) {
  const t = useT();
  const inks = useInks();
  const figure = useFigure();
  const [all, setAll] = useState(false);
  const values = lines.flatMap((line) => (line.points[0] ? [{ ...line, value: line.points[0].value }] : [])).sort((a, b) => b.value - a.value);
  const most = Math.max(...values.map(({ value }) => (Number.isFinite(value) ? Math.abs(value) : 0)), 0);
  const shown = all ? values : values.slice(0, SHOWN);
  return (
    <>
      <ul className="max-h-72 space-y-1 overflow-y-auto py-1 text-sm">
        {shown.map(({ id, name, colour, value }) => (
          <li key={id} className="grid grid-cols-[minmax(0,7rem)_minmax(0,1fr)_auto] items-center gap-2">
            <span className="truncate text-muted" title={name}>
              {name}
            </span>
            <span aria-hidden className="h-3 rounded-sm bg-sunken">
              <span className="block h-full rounded-sm" style={{ width: `${most > 0 && Number.isFinite(value) ? (Math.abs(value) / most) * 100 : 0}%`, background: colourOf(inks, colour) }} />
            </span>
            <span className="text-right tabular-nums">{figure(value)}</span>
          </li>
        ))}
      </ul>
      {values.length > shown.length && (
        <Button small variant="ghost" onPress={() => setAll(true)}>
          {t("ml.runs.more", { n: values.length - shown.length })}
        </Button>
      )}
    </>
  );
}
