import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { TraceFeed } from "@/features/ml/components/trace-feed";
import { runQuery } from "@/features/ml/queries";
import { textOf } from "@/lib/search";
import { Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/ml/runs/$runId/traces")({
  validateSearch: (search: Record<string, unknown>): { filter?: string } => ({ filter: textOf(search.filter) }),
  component: RunTraces,
});

function RunTraces() {
  const { runId } = Route.useParams();
  const { filter } = Route.useSearch();
  const navigate = Route.useNavigate();
  const query = useQuery(runQuery(runId));
  return (
    <Loaded query={query}>
      {(run) => <TraceFeed experimentId={run.info.experiment_id} runId={runId} filter={filter} onFilter={(next) => void navigate({ search: { filter: next }, replace: true })} />}
    </Loaded>
  );
}
