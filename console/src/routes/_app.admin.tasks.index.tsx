import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { ListChecks } from "lucide-react";
import type { Task } from "@/api/types";
import { JobTabs } from "@/features/admin/components/job-tabs";
import { TaskFilterBar } from "@/features/admin/components/task-filters";
import { TaskList } from "@/features/admin/components/task-list";
import { TASK_STATES } from "@/features/admin/labels";
import { tasksQuery } from "@/features/admin/queries";
import { useT } from "@/lib/i18n";
import { pageOf, textOf } from "@/lib/search";
import { useCan } from "@/lib/session";
import { Page } from "@/ui/page";
import { Pager } from "@/ui/pager";
import { Denied, Empty, Loaded } from "@/ui/states";

interface Search {
  page?: number;
  state?: Task["state"];
  kind?: string;
  queue?: string;
  scope?: "installation";
}

export const Route = createFileRoute("/_app/admin/tasks/")({
  validateSearch: (search: Record<string, unknown>): Search => ({
    page: pageOf(search.page) > 1 ? pageOf(search.page) : undefined,
    state: TASK_STATES.find((state) => state === search.state),
    kind: textOf(search.kind),
    queue: textOf(search.queue),
    scope: search.scope === "installation" ? "installation" : undefined,
  }),
  component: Tasks,
});

function Tasks() {
  const t = useT();
  const allowed = useCan("admin.tasks.read");
  return (
    <Page title={t("nav.tasks")}>
      {allowed ? (
        <>
          <JobTabs />
          <List />
        </>
      ) : (
        <Denied />
      )}
    </Page>
  );
}

function List() {
  const t = useT();
  const navigate = Route.useNavigate();
  const { page = 1, ...filters } = Route.useSearch();
  const query = useQuery(tasksQuery({ page, ...filters }));
  const editable = useCan("admin.tasks.write");
  const filtered = Object.values(filters).some((value) => value !== undefined);
  return (
    <div className="card">
      <div className="border-b border-line p-3">
        <TaskFilterBar filters={filters} tasks={query.data?.items ?? []} onChange={(search) => void navigate({ search })} />
      </div>
      <Loaded query={query}>
        {(tasks) =>
          tasks.items.length === 0 ? (
            <Empty icon={ListChecks} title={t(filtered ? "task.noneMatch" : "task.none")}>
              {!filtered && t("task.noneBody")}
            </Empty>
          ) : (
            <>
              <TaskList tasks={tasks.items} editable={editable} />
              <Pager page={tasks.page} totalPages={tasks.total_pages} total={tasks.total} onPage={(next) => navigate({ search: { ...filters, page: next } })} />
            </>
          )
        }
      </Loaded>
    </div>
  );
}
