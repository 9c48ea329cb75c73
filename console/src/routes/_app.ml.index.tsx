import { useInfiniteQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { FlaskConical, Plus } from "lucide-react";
import { useCallback, useState } from "react";
import { Begin, origin } from "@/features/ml/components/bits";
import { ExperimentList } from "@/features/ml/components/experiment-list";
import { NameDialog } from "@/features/ml/forms/name-dialog";
import { experimentsQuery, useCreateExperiment } from "@/features/ml/queries";
import { useT } from "@/lib/i18n";
import { textOf } from "@/lib/search";
import { useCan } from "@/lib/session";
import { Button } from "@/ui/button";
import { Switch } from "@/ui/field";
import { More } from "@/ui/more";
import { Page } from "@/ui/page";
import { SearchField } from "@/ui/search-field";
import { Denied, Empty, Loaded } from "@/ui/states";

interface Search {
  find?: string;
  deleted?: "1";
}

export const Route = createFileRoute("/_app/ml/")({
  validateSearch: (search: Record<string, unknown>): Search => ({ find: textOf(search.find), deleted: search.deleted === "1" ? "1" : undefined }),
  component: Experiments,
});

function Experiments() {
  const t = useT();
  const allowed = useCan("ml.runs.read");
  const editable = useCan("ml.runs.write");
  const navigate = Route.useNavigate();
  const [making, setMaking] = useState(false);
  const create = useCreateExperiment();
  return (
    <Page
      title={t("ml.experiments")}
      actions={
        editable && (
          <Button icon={Plus} variant="primary" onPress={() => setMaking(true)}>
            {t("ml.experiment.new")}
          </Button>
        )
      }
    >
      {allowed ? <List /> : <Denied />}
      <NameDialog
        title={t("ml.experiment.new")}
        label={t("ml.name")}
        action={t("ml.create")}
        isOpen={making}
        onClose={() => setMaking(false)}
        onName={async (name) => {
          const { experiment_id } = await create.mutateAsync(name);
          await navigate({ to: "/ml/experiments/$experimentId", params: { experimentId: experiment_id } });
        }}
      />
    </Page>
  );
}

function List() {
  const t = useT();
  const navigate = Route.useNavigate();
  const search = Route.useSearch();
  const query = useInfiniteQuery(experimentsQuery(search.find, search.deleted ? "DELETED_ONLY" : "ACTIVE_ONLY"));
  const onFind = useCallback((find: string | undefined) => void navigate({ search: (now) => ({ ...now, find }), replace: true }), [navigate]);
  return (
    <div className="card">
      <div className="flex flex-wrap items-end justify-between gap-3 border-b border-line p-3">
        <SearchField className="w-full sm:w-72" label={t("ml.experiment.find")} value={search.find} onChange={onFind} />
        <Switch className="h-8.5" isSelected={search.deleted === "1"} onChange={(on) => void navigate({ search: { ...search, deleted: on ? "1" : undefined } })}>
          {t("ml.deletedOnes")}
        </Switch>
      </div>
      <Loaded query={query}>
        {(data) => {
          const experiments = data.pages.flatMap((page) => page.items);
          // The first one is there from the start: it is no beginning.
          const isFresh = experiments.length <= 1 && !search.find && !search.deleted && experiments[0]?.experiment_id !== undefined && experiments[0].last_update_time === experiments[0].creation_time;
          return (
            <>
              {experiments.length > 0 && <ExperimentList experiments={experiments} />}
              <More query={query} />
              {(experiments.length === 0 || isFresh) && (
                <Empty icon={FlaskConical} title={t(search.find || search.deleted ? "ml.experiment.noMatch" : "ml.begin.title")}>
                  {!search.find && !search.deleted && (
                    <>
                      {t("ml.begin.body")}
                      <Begin>{`import mlflow\nmlflow.set_tracking_uri("${origin()}")\nmlflow.autolog()`}</Begin>
                    </>
                  )}
                </Empty>
              )}
            </>
          );
        }}
      </Loaded>
    </div>
  );
}
