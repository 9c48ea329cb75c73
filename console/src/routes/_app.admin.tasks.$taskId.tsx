import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { TaskActions } from "@/features/admin/components/task-actions";
import { TaskDetail } from "@/features/admin/components/task-detail";
import { taskQuery } from "@/features/admin/queries";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Page } from "@/ui/page";
import { Denied, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/admin/tasks/$taskId")({ component: Task });

function Task() {
  const t = useT();
  const { taskId } = Route.useParams();
  const navigate = Route.useNavigate();
  const allowed = useCan("admin.tasks.read");
  const editable = useCan("admin.tasks.write");
  const query = useQuery({ ...taskQuery(taskId), enabled: allowed });
  return (
    <Page
      narrow
      above={
        <Link to="/admin/tasks" className="hover:text-accent hover:underline">
          {t("nav.tasks")}
        </Link>
      }
      title={query.data?.kind ?? t("task.one")}
      actions={query.data && editable && <TaskActions task={query.data} onDiscarded={() => void navigate({ to: "/admin/tasks" })} />}
    >
      {allowed ? <Loaded query={query}>{(task) => <TaskDetail task={task} />}</Loaded> : <Denied />}
    </Page>
  );
}
