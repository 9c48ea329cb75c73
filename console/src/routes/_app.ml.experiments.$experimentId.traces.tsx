import { createFileRoute } from "@tanstack/react-router";
import { TraceFeed } from "@/features/ml/components/trace-feed";
import { textOf } from "@/lib/search";

export const Route = createFileRoute("/_app/ml/experiments/$experimentId/traces")({
  validateSearch: (search: Record<string, unknown>): { filter?: string } => ({ filter: textOf(search.filter) }),
  component: Traces,
});

function Traces() {
  const { experimentId } = Route.useParams();
  const { filter } = Route.useSearch();
  const navigate = Route.useNavigate();
  return <TraceFeed experimentId={experimentId} filter={filter} onFilter={(next) => void navigate({ search: { filter: next }, replace: true })} />;
}
