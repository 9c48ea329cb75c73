import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { GitCompareArrows } from "lucide-react";
import { useMemo } from "react";
import { ChartControls } from "@/features/ml/components/chart-controls";
import { Crumbs, linkClass } from "@/features/ml/components/bits";
import { DiffTable } from "@/features/ml/components/diff-table";
import { MetricCharts } from "@/features/ml/components/metric-charts";
import { diffRows } from "@/features/ml/diff";
import { LIVE_MS, runsByIdQuery } from "@/features/ml/queries";
import { isSystem } from "@/features/ml/series";
import type { Run } from "@/features/ml/types";
import { parseCompareSearch, parseIds } from "@/features/ml/view-state";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Switch } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { Page } from "@/ui/page";
import { Denied, Empty, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/ml/compare")({
  validateSearch: parseCompareSearch,
  component: Compare,
});

const accept = (key: string) => !isSystem(key);
/** Of more, the tables would be wider than any browser draws well; the charts show them all. */
const TABLE_RUNS = 300;

function Compare() {
  const t = useT();
  const allowed = useCan("ml.runs.read");
  const search = Route.useSearch();
  const ids = useMemo(() => parseIds(search.runs), [search.runs]);
  const query = useQuery({
    ...runsByIdQuery(ids),
    enabled: allowed && ids.length > 0,
    refetchInterval: ({ state }) => (state.data?.some((run) => run.info.status === "RUNNING") ? LIVE_MS : false),
  });
  const experiment = query.data?.[0]?.info.experiment_id;
  return (
    <Page
      title={t("ml.compare.title", { n: ids.length })}
      above={
        <Crumbs>
          <Link to="/ml" className={linkClass}>
            {t("ml.experiments")}
          </Link>
          {experiment !== undefined && (
            <>
              <span aria-hidden>/</span>
              <Link to="/ml/experiments/$experimentId" params={{ experimentId: experiment }} className={linkClass}>
                {t("ml.runs")}
              </Link>
            </>
          )}
        </Crumbs>
      }
    >
      {!allowed ? (
        <Denied />
      ) : ids.length === 0 ? (
        <Empty icon={GitCompareArrows} title={t("ml.compare.none")}>
          {t("ml.compare.noneBody")}
        </Empty>
      ) : (
        <Loaded query={query}>{(runs) => <Shown runs={runs} />}</Loaded>
      )}
    </Page>
  );
}

const valuesOf = (pairs: readonly { key: string; value: number | string }[] | undefined, asNumber: boolean) =>
  Object.fromEntries((pairs ?? []).filter(({ key }) => !isSystem(key) && !key.startsWith("mlflow.")).map(({ key, value }) => [key, asNumber ? Number(value) : value]));

function Shown({ runs }: { runs: readonly Run[] }) {
  const t = useT();
  const search = Route.useSearch();
  const navigate = Route.useNavigate();
  const compared = runs.slice(0, TABLE_RUNS);
  const heads = compared.map(({ info }) => ({
    id: info.run_id,
    name: (
      <Link to="/ml/runs/$runId" params={{ runId: info.run_id }} className={`${linkClass} block max-w-56 truncate`} title={info.run_name}>
        {info.run_name || info.run_id}
      </Link>
    ),
  }));
  const onlyDiffering = search.diff === "1";
  return (
    <div className="space-y-5">
      <div className="flex flex-wrap items-end gap-x-6 gap-y-3">
        <ChartControls search={search} onChange={(next) => void navigate({ search: { ...search, ...next }, replace: true })} />
        <Switch className="h-8.5" isSelected={onlyDiffering} onChange={(on) => void navigate({ search: { ...search, diff: on ? "1" : undefined }, replace: true })}>
          {t("ml.diff.only")}
        </Switch>
      </div>
      <MetricCharts runs={runs} search={search} accept={accept} none={t("ml.metrics.none")} />
      {runs.length > TABLE_RUNS && <Notice>{t("ml.compare.first", { n: TABLE_RUNS })}</Notice>}
      <DiffTable title={t("ml.params")} heads={heads} rows={diffRows(compared.map(({ data }) => valuesOf(data.params, false)))} onlyDiffering={onlyDiffering} />
      <DiffTable title={t("ml.metrics")} heads={heads} rows={diffRows(compared.map(({ data }) => valuesOf(data.metrics, true)))} onlyDiffering={onlyDiffering} />
      <DiffTable title={t("ml.tags")} heads={heads} rows={diffRows(compared.map(({ data }) => valuesOf(data.tags, false)))} onlyDiffering={onlyDiffering} />
    </div>
  );
}
