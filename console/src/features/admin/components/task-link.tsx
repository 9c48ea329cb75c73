import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useT } from "@/lib/i18n";
import { useRoom } from "@/lib/realtime-react";
import { useCan } from "@/lib/session";
import { Badge } from "@/ui/badge";
import { taskTones } from "@/features/admin/labels";
import { taskQuery } from "@/features/admin/queries";

/** A task in a line of text: where to read of it, and how it stands. Nothing for those who may not see tasks. */
export function TaskLink({ id }: { id: string }) {
  const t = useT();
  const allowed = useCan("admin.tasks.read");
  const task = useQuery({ ...taskQuery(id), enabled: allowed }).data;
  useRoom(allowed ? `task:${id}` : null);
  if (!allowed) return null;
  return (
    <span className="inline-flex flex-wrap items-center gap-2">
      <Link to="/admin/tasks/$taskId" params={{ taskId: id }} className="text-accent underline">
        {t("task.one")}
      </Link>
      {task && <Badge tone={taskTones[task.state]}>{t(`task.state.${task.state}`)}</Badge>}
      {task?.problem && <span className="text-bad">{task.problem.detail ?? task.problem.title}</span>}
    </span>
  );
}
