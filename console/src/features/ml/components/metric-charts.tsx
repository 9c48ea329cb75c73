import { useQuery } from "@tanstack/react-query";
import { ChartLine as ChartIcon } from "lucide-react";
import { useMemo, useState } from "react";
import { useT } from "@/lib/i18n";
import { Button } from "@/ui/button";
import { Empty } from "@/ui/states";
import { cx } from "@/ui/class-names";
import { colourOf } from "@/features/ml/colours";
import { useFigure } from "@/features/ml/figures";
import { useInks } from "@/features/ml/palette";
import { historyQuery } from "@/features/ml/queries";
import { grouped, groupOf, type Point } from "@/features/ml/series";
import type { Run } from "@/features/ml/types";
import type { ChartSearch } from "@/features/ml/view-state";
import { useWasSeen } from "@/features/ml/window";
import { MlFault } from "./bits";
import { LineChart, type ChartLine } from "./line-chart";
import { ValueBars } from "./value-bars";

/** More charts of one group, and more groups, are built when somebody asks: there are runs of 12,000 metrics. */
const SHOWN = 24;
const GROUPS = 24;

interface Props {
  runs: readonly Run[];
  search: ChartSearch;
  /** Which metrics. */
  accept: (key: string) => boolean;
  none: string;
}

const runName = (run: Run) => run.info.run_name || run.info.run_id;

/** A chart for each metric that one of the runs has, by the groups that their names make. */
export function MetricCharts({ runs, search, accept, none }: Props) {
  const t = useT();
  const [shown, setShown] = useState(GROUPS);
  const words = search.find?.toLowerCase();
  const keys = useMemo(() => [...new Set(runs.flatMap((run) => (run.data.metrics ?? []).map((metric) => metric.key)))].filter(accept).sort((a, b) => a.localeCompare(b)), [runs, accept]);
  const found = keys.filter((key) => !words || key.toLowerCase().includes(words));
  if (found.length === 0) return <Empty icon={ChartIcon} title={keys.length > 0 ? t("ml.charts.noMatch") : none} />;
  const groups = [...grouped(found, groupOf)].sort(([a], [b]) => a.localeCompare(b));
  const left = groups.slice(shown).reduce((sum, [, members]) => sum + members.length, 0);
  return (
    <div className="space-y-6">
      {runs.length > 1 && <Legend runs={runs} />}
      {groups.slice(0, shown).map(([group, members]) => (
        <ChartGroup key={group} name={(group !== "" || groups.length > 1) && (group || t("ml.charts.others"))} members={members} runs={runs} search={search} />
      ))}
      {left > 0 && <Button onPress={() => setShown(shown + GROUPS)}>{t("ml.charts.more", { n: left })}</Button>}
    </div>
  );
}

function ChartGroup({ name, members, runs, search }: { name: string | false; members: readonly string[]; runs: readonly Run[]; search: ChartSearch }) {
  const t = useT();
  const [shown, setShown] = useState(SHOWN);
  return (
    <section>
      {name && <h2 className="mb-2 font-semibold">{name}</h2>}
      <div className="grid gap-4 [grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr))]">
        {members.slice(0, shown).map((key) => (
          <MetricChart key={key} name={key} runs={runs} search={search} />
        ))}
      </div>
      {members.length > shown && (
        <Button className="mt-3" onPress={() => setShown(shown + 4 * SHOWN)}>
          {t("ml.charts.more", { n: members.length - shown })}
        </Button>
      )}
    </section>
  );
}

function Legend({ runs }: { runs: readonly Run[] }) {
  const t = useT();
  const inks = useInks();
  return (
    <ul aria-label={t("ml.runs")} className="flex max-h-28 flex-wrap gap-x-4 gap-y-1 overflow-y-auto text-sm">
      {runs.map((run, at) => (
        <li key={run.info.run_id} className="flex min-w-0 items-center gap-1.5">
          <span aria-hidden className="h-0.75 w-4 shrink-0 rounded-full" style={{ background: colourOf(inks, at) }} />
          <span className="truncate">{runName(run)}</span>
        </li>
      ))}
    </ul>
  );
}

const NO_POINTS: readonly Point[] = [];

function MetricChart({ name, runs, search }: { name: string; runs: readonly Run[]; search: ChartSearch }) {
  const t = useT();
  const figure = useFigure();
  const [ref, wasSeen] = useWasSeen();
  const having = useMemo(
    () => runs.flatMap((run, colour) => {
      const last = run.data.metrics?.find((metric) => metric.key === name);
      return last ? [{ run, colour, last }] : [];
    }),
    [runs, name],
  );
  const ids = having.map(({ run }) => run.info.run_id);
  // Asked anew when one of the runs logged something of it since.
  const at = having.map(({ last }) => `${last.step ?? 0}.${last.timestamp}.${last.value}`).join();
  const query = useQuery({ ...historyQuery(ids, name, at), enabled: wasSeen });
  const lines = useMemo(
    (): ChartLine[] => having.map(({ run, colour }) => ({ id: run.info.run_id, name: runName(run), colour, points: query.data?.get(run.info.run_id) ?? NO_POINTS })),
    [having, query.data],
  );
  const short = name.slice(groupOf(name).length).replace(/^\//, "");
  const points = lines.reduce((sum, line) => sum + line.points.length, 0);
  const only = having.length === 1 ? having[0]! : undefined;
  return (
    <figure ref={ref} data-testid="metric-chart" data-points={points} className="card min-w-0 p-3">
      <figcaption className="mb-1 flex items-baseline justify-between gap-3">
        <span className="min-w-0 truncate font-medium" title={name}>
          {short}
        </span>
        {only && (
          <span className="shrink-0 text-sm text-muted tabular-nums" title={t("ml.latest")}>
            {figure(Number(only.last.value))}
          </span>
        )}
      </figcaption>
      {query.isError ? (
        <MlFault error={query.error} />
      ) : (
        <div className={cx(!query.data && "pulse-soft rounded bg-sunken")}>
          {query.data && points > 0 && lines.every((line) => line.points.length < 2) ? (
            <ValueBars lines={lines} />
          ) : query.data ? (
            <LineChart lines={lines} axis={search.x ?? "step"} smooth={search.smooth ?? 0} isLog={search.log === "1"} label={t("ml.chart.label", { name, n: points })} />
          ) : (
            <div className="h-55" />
          )}
        </div>
      )}
    </figure>
  );
}
