import { createFileRoute } from "@tanstack/react-router";
import { Artifacts } from "@/features/ml/components/artifacts";
import { textOf } from "@/lib/search";

export const Route = createFileRoute("/_app/ml/runs/$runId/artifacts")({
  validateSearch: (search: Record<string, unknown>): { path?: string } => ({ path: textOf(search.path) }),
  component: RunArtifacts,
});

function RunArtifacts() {
  const { runId } = Route.useParams();
  const { path } = Route.useSearch();
  const navigate = Route.useNavigate();
  return <Artifacts runId={runId} path={path} onPath={(next) => void navigate({ search: { path: next }, replace: true, resetScroll: false })} />;
}
