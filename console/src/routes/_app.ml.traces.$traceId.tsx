import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { Crumbs, linkClass, StatusBadge } from "@/features/ml/components/bits";
import { TraceDetail } from "@/features/ml/components/trace-detail";
import { traceName, traceQuery } from "@/features/ml/traces";
import { useT } from "@/lib/i18n";
import { textOf } from "@/lib/search";
import { useCan } from "@/lib/session";
import { Page } from "@/ui/page";
import { Denied, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/ml/traces/$traceId")({
  validateSearch: (search: Record<string, unknown>): { span?: string } => ({ span: textOf(search.span) }),
  component: TraceFrame,
});

function TraceFrame() {
  const t = useT();
  const { traceId } = Route.useParams();
  const { span } = Route.useSearch();
  const navigate = Route.useNavigate();
  const allowed = useCan("ml.runs.read");
  const query = useQuery({ ...traceQuery(traceId), enabled: allowed });
  const info = query.data?.trace_info;
  const experimentId = info?.trace_location?.mlflow_experiment?.experiment_id;
  return (
    <Page
      title={info ? traceName(info) : t("ml.trace")}
      above={
        experimentId !== undefined && (
          <Crumbs>
            <Link to="/ml/experiments/$experimentId/traces" params={{ experimentId }} className={linkClass}>
              {t("ml.traces")}
            </Link>
          </Crumbs>
        )
      }
      subtitle={
        info && (
          <span className="flex flex-wrap items-center gap-2 text-sm">
            <StatusBadge status={info.state} />
            <span className="font-mono text-xs break-all">{info.trace_id}</span>
          </span>
        )
      }
    >
      {allowed ? (
        <Loaded query={query}>{(trace) => <TraceDetail trace={trace} spanId={span} onSpan={(id) => void navigate({ search: { span: id }, replace: true, resetScroll: false })} />}</Loaded>
      ) : (
        <Denied />
      )}
    </Page>
  );
}
