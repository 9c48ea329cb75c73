import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { useMemo } from "react";
import { ChartControls } from "@/features/ml/components/chart-controls";
import { MetricCharts } from "@/features/ml/components/metric-charts";
import { runQuery } from "@/features/ml/queries";
import { isSystem } from "@/features/ml/series";
import { parseChartSearch } from "@/features/ml/view-state";
import { useT } from "@/lib/i18n";
import { Loading } from "@/ui/states";

export const Route = createFileRoute("/_app/ml/runs/$runId/system")({
  validateSearch: parseChartSearch,
  component: System,
});

const accept = isSystem;

function System() {
  const t = useT();
  const { runId } = Route.useParams();
  const search = Route.useSearch();
  const navigate = Route.useNavigate();
  const { data } = useQuery(runQuery(runId));
  const runs = useMemo(() => (data ? [data] : []), [data]);
  if (!data) return <Loading />;
  return (
    <div className="space-y-5">
      <ChartControls search={search} onChange={(next) => void navigate({ search: next, replace: true })} />
      <MetricCharts runs={runs} search={search} accept={accept} none={t("ml.system.none")} />
    </div>
  );
}
