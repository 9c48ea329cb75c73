import { useInfiniteQuery } from "@tanstack/react-query";
import { Waypoints } from "lucide-react";
import { useT } from "@/lib/i18n";
import { More } from "@/ui/more";
import { Empty, Loading } from "@/ui/states";
import { tracesQuery } from "@/features/ml/traces";
import { Begin, origin } from "./bits";
import { FilterBar } from "./filter-bar";
import { TraceList } from "./trace-list";

const EXAMPLES = ["attributes.status = 'ERROR'", "attributes.execution_time_ms > 1000", "attributes.name LIKE 'answer%'", "feedback.correctness = 'false'"];

interface Props {
  experimentId: string;
  runId?: string;
  filter: string | undefined;
  onFilter: (filter: string | undefined) => void;
}

export function TraceFeed({ experimentId, runId, filter, onFilter }: Props) {
  const t = useT();
  const query = useInfiniteQuery(tracesQuery({ experimentId, filter, runId }));
  const traces = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className="card">
      <div className="border-b border-line p-3">
        <FilterBar value={filter} onChange={onFilter} error={query.isError && traces.length === 0 ? query.error : null} examples={EXAMPLES} placeholder="attributes.status = 'ERROR'" />
      </div>
      {query.isPending ? (
        <Loading />
      ) : traces.length > 0 ? (
        <>
          <TraceList traces={traces} />
          <More query={query} />
        </>
      ) : (
        !query.isError && (
          <Empty icon={Waypoints} title={t(filter ? "ml.traces.noMatch" : "ml.traces.none")}>
            {!filter && (
              <>
                {t("ml.traces.noneBody")}
                <Begin>{`import mlflow\nmlflow.set_tracking_uri("${origin()}")\n\n@mlflow.trace\ndef answer(question): ...`}</Begin>
              </>
            )}
          </Empty>
        )
      )}
    </div>
  );
}
