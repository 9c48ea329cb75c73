import { useEffect, useId, useRef, useState } from "react";
import { cx } from "./class-names";

export interface Bar {
  key: string;
  label: string;
  value: number;
  /** Told on hover and to screen readers. */
  detail?: string;
}

/** Rounds up to 1, 2 or 5 times a power of ten, so that the axis reads well. */
export function niceMax(value: number): number {
  if (value <= 4) return Math.max(1, Math.ceil(value));
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value;
}

/** Upright bars over time. The picture is for the eye; a table says the same to a screen reader. */
export function TimeBars({ bars, caption, unit, ticks }: { bars: readonly Bar[]; caption: string; unit: string; ticks: number }) {
  const title = useId();
  const frame = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(720);
  // Drawn at the width it has: letters keep their size on a phone.
  useEffect(() => {
    const watcher = new ResizeObserver(([entry]) => entry && setWidth(Math.max(240, Math.round(entry.contentRect.width))));
    watcher.observe(frame.current!);
    return () => watcher.disconnect();
  }, []);
  const max = niceMax(Math.max(...bars.map((bar) => bar.value), 0));
  const height = width < 480 ? 160 : 200;
  const left = 34;
  const foot = 22;
  const plot = height - foot - 8;
  const step = (width - left) / Math.max(bars.length, 1);
  const every = Math.max(1, Math.ceil(bars.length / Math.min(ticks, Math.floor(width / 70))));
  return (
    <figure ref={frame} className="min-w-0">
      <figcaption id={title} className="sr-only">
        {caption}
      </figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} className="block h-auto w-full" aria-hidden>
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line x1={left} x2={width} y1={8 + plot * (1 - share)} y2={8 + plot * (1 - share)} className="stroke-line" />
            {max * share === Math.round(max * share) && (
              <text x={left - 8} y={12 + plot * (1 - share)} textAnchor="end" className="fill-muted text-[11px] tabular-nums">
                {max * share}
              </text>
            )}
          </g>
        ))}
        {bars.map((bar, index) => {
          const tall = (bar.value / max) * plot;
          return (
            <g key={bar.key}>
              <rect x={left + index * step} y={8} width={step} height={plot} className="fill-transparent hover:fill-sunken">
                <title>{`${bar.detail ?? bar.label}: ${bar.value} ${unit}`}</title>
              </rect>
              <rect
                x={left + index * step + step * 0.14}
                y={8 + plot - tall}
                width={step * 0.72}
                height={tall}
                rx={Math.min(2, step * 0.2)}
                className="pointer-events-none fill-accent"
              />
              {index % every === 0 && (
                <text x={left + index * step + step / 2} y={height - 6} textAnchor="middle" className="fill-muted text-[11px] tabular-nums">
                  {bar.label}
                </text>
              )}
            </g>
          );
        })}
      </svg>
      <table aria-labelledby={title} className="sr-only">
        <tbody>
          {bars.map((bar) => (
            <tr key={bar.key}>
              <th scope="row">{bar.detail ?? bar.label}</th>
              <td>
                {bar.value} {unit}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}

/** Lying bars for a ranking: readable as text, so they need no second form. */
export function RankBars({ bars, className }: { bars: readonly Bar[]; className?: string }) {
  const max = Math.max(...bars.map((bar) => bar.value), 1);
  return (
    <ul className={cx("space-y-3", className)}>
      {bars.map((bar) => (
        <li key={bar.key}>
          <div className="mb-1 flex justify-between gap-4">
            <span className="truncate">{bar.label}</span>
            <span className="font-medium tabular-nums">{bar.value}</span>
          </div>
          <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden className="block h-1.5 w-full overflow-hidden rounded-full">
            <rect width="100" height="6" className="fill-sunken" />
            <rect width={(bar.value / max) * 100} height="6" className="fill-accent" />
          </svg>
        </li>
      ))}
    </ul>
  );
}
