import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { ChartSpline } from "lucide-react";
import { lazy, Suspense, useCallback, useMemo, useState } from "react";
import { AxisField } from "@/features/ml/components/axis-field";
import { MlFault } from "@/features/ml/components/bits";
import { ColumnsDialog } from "@/features/ml/components/columns-dialog";
import { FilterBar } from "@/features/ml/components/filter-bar";
import { columnName } from "@/features/ml/components/runs-table";
import { compareColumns, DEFAULT_ORDER, entityOf, parseColumns, printColumns, sampledColumns, type Column, type Entity, type Row } from "@/features/ml/columns";
import { usualAxes, usualPlane } from "@/features/ml/plot-options";
import { chosenRowsQuery, columnsQuery, runsQuery } from "@/features/ml/queries";
import { parseIds, parsePlotSearch, PLOTS, type Plot } from "@/features/ml/view-state";
import { useT } from "@/lib/i18n";
import { Button } from "@/ui/button";
import { SelectField } from "@/ui/field";
import { Empty, Loading } from "@/ui/states";

// The drawing library comes with its first drawing.
const PlotCanvas = lazy(() => import("@/features/ml/components/plots"));

export const Route = createFileRoute("/_app/ml/experiments/$experimentId/charts")({
  validateSearch: parsePlotSearch,
  component: Charts,
});

/** So many runs tell which axes are worth drawing. */
const SAMPLE = 100;
const AXES = ["attributes", "metrics", "params"] as const;
const NO_COLUMNS: readonly Column[] = [];
const EXAMPLES = ["metrics.auc > 0.9", "attributes.status = 'FINISHED'", "params.booster = 'dart'"];

function Charts() {
  const t = useT();
  const { experimentId } = Route.useParams();
  const search = Route.useSearch();
  const navigate = Route.useNavigate();
  const [choosing, setChoosing] = useState(false);
  const plot: Plot = search.plot ?? "parallel";
  const ids = useMemo(() => parseIds(search.runs), [search.runs]);
  const available = useQuery(columnsQuery(experimentId));
  const candidates = useMemo(() => available.data && sampledColumns(available.data.columns), [available.data]);
  const asked = { experimentIds: [experimentId], filter: search.filter, order: DEFAULT_ORDER, lifecycle: "ACTIVE_ONLY" } as const;
  // What is drawn until somebody chooses is told by some of the runs: only what is drawn is asked of all.
  const someFound = useInfiniteQuery({ ...runsQuery({ ...asked, columns: candidates ?? NO_COLUMNS, each: SAMPLE }), enabled: ids.length === 0 && candidates !== undefined });
  const someChosen = useQuery({ ...chosenRowsQuery(experimentId, ids.slice(0, SAMPLE), candidates ?? NO_COLUMNS), enabled: ids.length > 0 && candidates !== undefined });
  const sample = ids.length > 0 ? someChosen.data : someFound.data?.pages[0]?.rows;
  const usual = useMemo(() => (sample && candidates ? usualAxes(sample, candidates) : NO_COLUMNS), [sample, candidates]);
  const plane = useMemo(() => usualPlane(sample ?? [], usual), [sample, usual]);
  const axes = useMemo(() => parseColumns(search.axes) ?? usual, [search.axes, usual]);
  const first = (entity: Entity) => candidates?.find((column) => entityOf(column) === entity);
  const x = search.x ?? plane[0] ?? first("params") ?? first("metrics");
  const y = search.y ?? (plot === "contour" ? plane[1] : usual.at(-1)) ?? first("metrics");
  const z = search.z ?? (plot === "contour" ? usual.at(-1) : undefined);
  const wanted = [...new Set([...axes, x, y, z])].filter((column) => column !== undefined).sort(compareColumns);
  const found = useInfiniteQuery({ ...runsQuery({ ...asked, columns: wanted }), enabled: ids.length === 0 && sample !== undefined });
  const chosen = useQuery({ ...chosenRowsQuery(experimentId, ids, wanted), enabled: ids.length > 0 && sample !== undefined });
  const rows = useMemo((): readonly Row[] => (ids.length > 0 ? chosen.data : found.data?.pages.flatMap((page) => page.rows)) ?? [], [ids, chosen.data, found.data]);
  const set = useCallback((change: Partial<typeof search>) => void navigate({ search: (now) => ({ ...now, ...change }), replace: true }), [navigate]);
  const nameOf = useCallback((column: Column) => columnName(t, column), [t]);
  const onRun = useCallback((runId: string) => void navigate({ to: "/ml/runs/$runId", params: { runId } }), [navigate]);
  const query = ids.length > 0 ? chosen : found;
  const fault = available.error ?? (ids.length > 0 ? someChosen.error : someFound.error) ?? query.error;
  return (
    <div className="card">
      <div className="flex flex-wrap items-start gap-3 border-b border-line p-3">
        {ids.length > 0 ? (
          <p className="flex min-h-8.5 items-center gap-3">
            {t("ml.runs.chosen", { n: rows.length })}
            <Button small onPress={() => set({ runs: undefined })}>
              {t("ml.plot.all")}
            </Button>
          </p>
        ) : (
          <FilterBar value={search.filter} onChange={(filter) => set({ filter })} error={fault} examples={EXAMPLES} placeholder="metrics.auc > 0.9" />
        )}
      </div>
      <div className="flex flex-wrap items-end gap-3 border-b border-line p-3">
        <SelectField
          className="w-full sm:w-56"
          label={t("ml.plot")}
          value={plot}
          onChange={(id) => set({ plot: id === "parallel" ? undefined : (id as Plot) })}
          options={PLOTS.map((id) => ({ id, label: t(`ml.plot.${id}`) }))}
        />
        {plot === "parallel" ? (
          <Button isDisabled={sample === undefined} onPress={() => setChoosing(true)}>
            {t("ml.axes")}
          </Button>
        ) : (
          <>
            <AxisField experimentId={experimentId} label={t("ml.plot.x")} value={x} onChange={(next) => set({ x: next })} />
            <AxisField experimentId={experimentId} label={t("ml.plot.y")} value={y} onChange={(next) => set({ y: next })} />
            <AxisField experimentId={experimentId} label={t("ml.plot.z")} value={z} onChange={(next) => set({ z: next })} none={plot === "scatter" ? t("ml.plot.noColour") : undefined} />
          </>
        )}
        {ids.length === 0 && (
          <span className="flex h-8.5 items-center gap-3 text-sm text-muted tabular-nums">
            {found.hasNextPage ? t("ml.runs.newest", { n: rows.length }) : t("ml.runs.all", { n: rows.length })}
            {found.hasNextPage && (
              <Button small isPending={found.isFetchingNextPage} onPress={() => void found.fetchNextPage()}>
                {t("more")}
              </Button>
            )}
          </span>
        )}
      </div>
      {fault ? (
        ids.length > 0 && <MlFault error={fault} className="m-3" />
      ) : query.isPending || query.isPlaceholderData ? (
        <Loading />
      ) : rows.length === 0 || (plot === "parallel" && axes.length === 0) || !x || !y ? (
        <Empty icon={ChartSpline} title={t(rows.length === 0 ? "ml.runs.noMatch" : "ml.plot.nothing")}>
          {rows.length > 0 && t("ml.plot.nothingBody")}
        </Empty>
      ) : (
        <div className="p-3">
          <Suspense fallback={<Loading />}>
            <PlotCanvas plot={plot} rows={rows} axes={axes} x={x} y={y} z={z} nameOf={nameOf} onRun={onRun} />
          </Suspense>
          <p className="mt-2 text-sm text-muted">{t(`ml.plot.${plot}.help`)}</p>
        </div>
      )}
      <ColumnsDialog
        title={t("ml.axes")}
        experimentId={experimentId}
        entities={AXES}
        columns={axes}
        isOpen={choosing}
        onClose={() => setChoosing(false)}
        onChange={(next) => set({ axes: next && printColumns(next) })}
      />
    </div>
  );
}
