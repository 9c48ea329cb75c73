import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { ChartSpline, Columns3, FlaskConical, GitCompareArrows, RotateCcw, Trash2 } from "lucide-react";
import { useCallback, useEffect, useMemo, useState } from "react";
import { Begin, origin } from "@/features/ml/components/bits";
import { ColumnsDialog } from "@/features/ml/components/columns-dialog";
import { FilterBar } from "@/features/ml/components/filter-bar";
import { RunsTable } from "@/features/ml/components/runs-table";
import { DEFAULT_ORDER, parseColumns, parseOrder, printColumns, printOrder, turned, usualColumns, type Column } from "@/features/ml/columns";
import { columnsQuery, experimentQuery, runsQuery, useLifeOfRuns } from "@/features/ml/queries";
import { parseRunsSearch, printIds } from "@/features/ml/view-state";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Button, buttonClass } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { Switch } from "@/ui/field";
import { Empty, Loading } from "@/ui/states";

export const Route = createFileRoute("/_app/ml/experiments/$experimentId/")({
  validateSearch: parseRunsSearch,
  component: Runs,
});

const NONE: ReadonlySet<string> = new Set();
const NO_COLUMNS: readonly Column[] = [];
const EXAMPLES = [
  "metrics.accuracy > 0.9 AND params.model = 'bert'",
  "attributes.status = 'FINISHED' AND attributes.start_time > 1795000000000",
  "attributes.run_name ILIKE '%lynx%'",
  "tags.`mlflow.source.git.branch` = 'main'",
  "params.learning_rate IS NOT NULL",
];

function Runs() {
  const t = useT();
  const { experimentId } = Route.useParams();
  const search = Route.useSearch();
  const navigate = Route.useNavigate();
  const editable = useCan("ml.runs.write");
  const experiment = useQuery(experimentQuery(experimentId)).data;
  const order = parseOrder(search.order) ?? DEFAULT_ORDER;
  const queries = useQueryClient();
  const available = useQuery(columnsQuery(experimentId));
  const listed = available.data?.columns ?? (available.isError ? NO_COLUMNS : undefined);
  const shown = useMemo(() => parseColumns(search.columns) ?? (listed && usualColumns(listed)), [search.columns, listed]);
  const query = useInfiniteQuery({
    ...runsQuery({ experimentIds: [experimentId], filter: search.filter, order, lifecycle: search.deleted ? "DELETED_ONLY" : "ACTIVE_ONLY", columns: shown ?? NO_COLUMNS }),
    enabled: shown !== undefined,
  });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(NONE);
  const [choosing, setChoosing] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const life = useLifeOfRuns();
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.rows) ?? [], [query.data]);
  // Runs that were asked for anew may have logged what none had before. Whoever scrolled on keeps the columns that there are.
  const isOnePage = query.data?.pages.length === 1;
  const { dataUpdatedAt } = query;
  useEffect(() => {
    if (isOnePage) void queries.refetchQueries({ queryKey: columnsQuery(experimentId).queryKey, stale: true });
  }, [queries, experimentId, isOnePage, dataUpdatedAt]);
  const set = useCallback((change: Partial<typeof search>) => void navigate({ search: (now) => ({ ...now, ...change }), replace: true }), [navigate]);
  const { fetchNextPage, isFetchingNextPage } = query;
  const onMore = useCallback(() => {
    if (!isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, isFetchingNextPage]);
  const onOrder = (column: Column) => {
    const next = turned(search.order === undefined ? undefined : order, column);
    set({ order: next && printOrder(next) });
  };
  const isFirst = rows.length === 0 && !search.filter && !search.deleted && !query.isError;
  const runs = printIds(chosen);
  return (
    <div className="card">
      <div className="flex flex-wrap items-start gap-2 border-b border-line p-3">
        <FilterBar value={search.filter} onChange={(filter) => set({ filter })} error={query.isError ? query.error : null} examples={EXAMPLES} placeholder="metrics.loss < 0.3 AND params.lr = '0.01'" />
        <Button icon={Columns3} isDisabled={shown === undefined} onPress={() => setChoosing(true)}>
          {t("ml.columns")}
        </Button>
        <Switch className="h-8.5" isSelected={search.deleted === "1"} onChange={(on) => set({ deleted: on ? "1" : undefined })}>
          {t("ml.deletedOnes")}
        </Switch>
      </div>
      <div className="flex min-h-11 flex-wrap items-center gap-2 border-b border-line px-3 py-1.5 text-sm">
        <span className="text-muted tabular-nums" role="status" data-testid="runs-count">
          {chosen.size > 0 ? t("ml.runs.chosen", { n: chosen.size }) : query.hasNextPage ? t("ml.runs.loaded", { n: rows.length }) : query.data ? t("ml.runs.all", { n: rows.length }) : ""}
        </span>
        {chosen.size > 0 && (
          <>
            {chosen.size > 1 && (
              <Link to="/ml/compare" search={{ runs }} className={buttonClass("primary", true)}>
                <GitCompareArrows aria-hidden className="size-4" />
                {t("ml.compare")}
              </Link>
            )}
            <Link to="/ml/experiments/$experimentId/charts" params={{ experimentId }} search={{ runs }} className={buttonClass("secondary", true)}>
              <ChartSpline aria-hidden className="size-4" />
              {t("ml.charts")}
            </Link>
            {editable &&
              (search.deleted ? (
                <Button
                  small
                  icon={RotateCcw}
                  isPending={life.isPending}
                  onPress={() => life.mutate({ act: "restore", ids: [...chosen] }, { onSuccess: () => setChosen(NONE) })}
                >
                  {t("ml.restore")}
                </Button>
              ) : (
                <Button small variant="danger" icon={Trash2} onPress={() => setDeleting(true)}>
                  {t("delete")}
                </Button>
              ))}
            <Button small variant="ghost" onPress={() => setChosen(NONE)}>
              {t("ml.chooseNone")}
            </Button>
          </>
        )}
      </div>
      {query.isPending ? (
        <Loading rows={10} />
      ) : rows.length > 0 ? (
        <RunsTable
          rows={rows}
          columns={shown ?? NO_COLUMNS}
          order={order}
          onOrder={onOrder}
          chosen={chosen}
          onChoose={setChosen}
          hasMore={query.hasNextPage}
          onMore={onMore}
          isStale={query.isPlaceholderData}
        />
      ) : (
        !query.isError && (
          <Empty icon={FlaskConical} title={t(isFirst ? "ml.runs.none" : "ml.runs.noMatch")}>
            {isFirst && (
              <Begin>{`import mlflow\nmlflow.set_tracking_uri("${origin()}")\nmlflow.set_experiment("${experiment?.name ?? "…"}")\nwith mlflow.start_run():\n    mlflow.log_metric("loss", 0.3, step=1)`}</Begin>
            )}
          </Empty>
        )
      )}
      <ColumnsDialog
        title={t("ml.columns")}
        experimentId={experimentId}
        columns={shown ?? NO_COLUMNS}
        isOpen={choosing}
        onClose={() => setChoosing(false)}
        onChange={(next) => set({ columns: next && printColumns(next) })}
      />
      <Confirm
        title={t("ml.runs.delete", { n: chosen.size })}
        body={t("ml.runs.deleteBody")}
        action={t("delete")}
        isOpen={deleting}
        onClose={() => setDeleting(false)}
        onConfirm={async () => {
          await life.mutateAsync({ act: "delete", ids: [...chosen] });
          setChosen(NONE);
        }}
      />
    </div>
  );
}
