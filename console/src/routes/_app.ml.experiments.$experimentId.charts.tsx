import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { ChartSpline } from "lucide-react";
import { lazy, Suspense, useCallback, useMemo, useState } from "react";
import { ColumnsDialog } from "@/features/ml/components/columns-dialog";
import { FilterBar } from "@/features/ml/components/filter-bar";
import { columnName } from "@/features/ml/components/runs-table";
import { DEFAULT_ORDER, keysOf, parseColumns, printColumns, rowOf, type Column, type Row } from "@/features/ml/columns";
import { usualAxes, usualPlane } from "@/features/ml/plot-options";
import { runsByIdQuery, runsQuery } from "@/features/ml/queries";
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

const EXAMPLES = ["metrics.auc > 0.9", "attributes.status = 'FINISHED'", "params.booster = 'dart'"];

function Charts() {
  const t = useT();
  const { experimentId } = Route.useParams();
  const search = Route.useSearch();
  const navigate = Route.useNavigate();
  const [choosing, setChoosing] = useState(false);
  const plot: Plot = search.plot ?? "parallel";
  const ids = useMemo(() => parseIds(search.runs), [search.runs]);
  // Of a key that is not among the usual ones, when a link names one.
  const named = useMemo(() => {
    const axes = [...(parseColumns(search.axes) ?? []), search.x, search.y, search.z];
    return axes.filter((axis) => axis !== undefined);
  }, [search.axes, search.x, search.y, search.z]);
  const found = useInfiniteQuery({
    ...runsQuery({ experimentIds: [experimentId], filter: search.filter, order: DEFAULT_ORDER, lifecycle: "ACTIVE_ONLY", usual: "plot" }),
    enabled: ids.length === 0,
  });
  const available = useMemo(() => found.data?.pages[0]?.available ?? [], [found.data]);
  const kept = found.data?.pages[0]?.columns;
  const missing = kept !== undefined && named.some((axis) => !kept.includes(axis));
  const wanted = useMemo(() => [...new Set([...(kept ?? []), ...named])], [kept, named]);
  const filled = useInfiniteQuery({
    ...runsQuery({ experimentIds: [experimentId], filter: search.filter, order: DEFAULT_ORDER, lifecycle: "ACTIVE_ONLY", columns: wanted }),
    enabled: ids.length === 0 && missing,
  });
  const shown = missing ? filled : found;
  const chosen = useQuery(runsByIdQuery([experimentId], ids));
  const all = useMemo(() => (ids.length > 0 ? keysOf(chosen.data ?? []) : available), [ids, chosen.data, available]);
  const rows = useMemo((): Row[] => {
    if (ids.length === 0) return shown.data?.pages.flatMap((page) => page.rows) ?? [];
    const columns = keysOf(chosen.data ?? []);
    return (chosen.data ?? []).map((run) => rowOf(run, columns));
  }, [ids, shown.data, chosen.data]);
  const candidates = useMemo(() => all.filter((column) => /^(metrics|params)\./.test(column)), [all]);
  const usual = useMemo(() => usualAxes(rows, candidates), [rows, candidates]);
  const plane = useMemo(() => usualPlane(rows, usual), [rows, usual]);
  const axes = parseColumns(search.axes) ?? usual;
  const params = candidates.filter((column) => column.startsWith("params."));
  const metrics = candidates.filter((column) => column.startsWith("metrics."));
  const x = search.x ?? plane[0] ?? params[0] ?? metrics[0];
  const y = search.y ?? (plot === "contour" ? plane[1] : usual.at(-1)) ?? metrics[0];
  const z = search.z ?? (plot === "contour" ? usual.at(-1) : undefined);
  const set = useCallback((change: Partial<typeof search>) => void navigate({ search: (now) => ({ ...now, ...change }), replace: true }), [navigate]);
  const nameOf = useCallback((column: Column) => columnName(t, column), [t]);
  const onRun = useCallback((runId: string) => void navigate({ to: "/ml/runs/$runId", params: { runId } }), [navigate]);
  const query = ids.length > 0 ? chosen : shown;
  const options = candidates.map((column) => ({ id: column, label: `${t(column.startsWith("params.") ? "ml.param" : "ml.metric")}: ${nameOf(column)}` }));
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
          <FilterBar value={search.filter} onChange={(filter) => set({ filter })} error={query.isError ? query.error : null} examples={EXAMPLES} placeholder="metrics.auc > 0.9" />
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
          <Button onPress={() => setChoosing(true)}>{t("ml.axes")}</Button>
        ) : (
          <>
            <SelectField className="w-full sm:w-52" label={t("ml.plot.x")} value={x ?? ""} onChange={(id) => set({ x: id as Column })} options={options} />
            <SelectField className="w-full sm:w-52" label={t("ml.plot.y")} value={y ?? ""} onChange={(id) => set({ y: id as Column })} options={options} />
            <SelectField
              className="w-full sm:w-52"
              label={t("ml.plot.z")}
              value={z ?? ""}
              onChange={(id) => set({ z: (id || undefined) as Column | undefined })}
              options={plot === "scatter" ? [{ id: "", label: t("ml.plot.noColour") }, ...options] : options}
            />
          </>
        )}
        {ids.length === 0 && (
          <span className="flex h-8.5 items-center gap-3 text-sm text-muted tabular-nums">
            {shown.hasNextPage ? t("ml.runs.newest", { n: rows.length }) : t("ml.runs.all", { n: rows.length })}
            {shown.hasNextPage && (
              <Button small isPending={shown.isFetchingNextPage} onPress={() => void shown.fetchNextPage()}>
                {t("more")}
              </Button>
            )}
          </span>
        )}
      </div>
      {query.isPending ? (
        <Loading />
      ) : rows.length === 0 || axes.length === 0 || !x || !y ? (
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
      <ColumnsDialog available={candidates} columns={axes} isOpen={choosing} onClose={() => setChoosing(false)} onChange={(next) => set({ axes: next && printColumns(next) })} />
    </div>
  );
}
