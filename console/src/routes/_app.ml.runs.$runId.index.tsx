import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { RunOverview } from "@/features/ml/components/run-overview";
import { runQuery } from "@/features/ml/queries";
import { useCan } from "@/lib/session";
import { Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/ml/runs/$runId/")({ component: Overview });

function Overview() {
  const { runId } = Route.useParams();
  const editable = useCan("ml.runs.write");
  const query = useQuery(runQuery(runId));
  return <Loaded query={query}>{(run) => <RunOverview run={run} editable={editable && run.info.lifecycle_stage === "active"} />}</Loaded>;
}
