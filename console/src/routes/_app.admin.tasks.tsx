import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { ListChecks } from "lucide-react";
import type { Task } from "@/api/types";
import { TaskList } from "@/features/admin/components/task-list";
import { tasksQuery } from "@/features/admin/queries";
import { useT } from "@/lib/i18n";
import { pageOf } from "@/lib/search";
import { useCan } from "@/lib/session";
import { SelectField } from "@/ui/field";
import { Page } from "@/ui/page";
import { Pager } from "@/ui/pager";
import { Denied, Empty, Loaded } from "@/ui/states";

const STATES = ["pending", "running", "retrying", "succeeded", "failed", "cancelled"] as const satisfies readonly Task["state"][];

export const Route = createFileRoute("/_app/admin/tasks")({
  validateSearch: (search: Record<string, unknown>): { page?: number; state?: Task["state"] } => ({
    page: pageOf(search.page) > 1 ? pageOf(search.page) : undefined,
    state: STATES.find((state) => state === search.state),
  }),
  component: Tasks,
});

function Tasks() {
  const t = useT();
  const allowed = useCan("admin.tasks.read");
  return <Page title={t("nav.tasks")}>{allowed ? <List /> : <Denied />}</Page>;
}

function List() {
  const t = useT();
  const navigate = Route.useNavigate();
  const { page = 1, state } = Route.useSearch();
  const query = useQuery(tasksQuery({ page, state }));
  const editable = useCan("admin.tasks.write");
  return (
    <div className="card">
      <div className="border-b border-line p-3">
        <SelectField
          className="w-48"
          label={t("task.state")}
          options={[{ id: "all", label: t("filter.any") }, ...STATES.map((one) => ({ id: one, label: t(`task.state.${one}`) }))]}
          value={state ?? "all"}
          onChange={(one) => navigate({ search: { state: one === "all" ? undefined : (one as Task["state"]) } })}
        />
      </div>
      <Loaded query={query}>
        {(tasks) =>
          tasks.items.length === 0 ? (
            <Empty icon={ListChecks} title={t("task.none")}>
              {t("task.noneBody")}
            </Empty>
          ) : (
            <>
              <TaskList tasks={tasks.items} editable={editable} />
              <Pager page={tasks.page} totalPages={tasks.total_pages} total={tasks.total} onPage={(next) => navigate({ search: { state, page: next } })} />
            </>
          )
        }
      </Loaded>
    </div>
  );
}
