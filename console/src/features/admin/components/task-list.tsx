import { Link } from "@tanstack/react-router";
import type { Task } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { useRoom } from "@/lib/realtime-react";
import { Badge } from "@/ui/badge";
import { Progress } from "@/ui/progress";
import { taskTones } from "@/features/admin/labels";
import { moving } from "@/features/admin/queries";
import { TaskActions } from "./task-actions";

export function TaskList({ tasks, editable }: { tasks: readonly Task[]; editable: boolean }) {
  return (
    <ul className="divide-y divide-line">
      {tasks.map((task) => (
        <TaskRow key={task.id} task={task} editable={editable} />
      ))}
    </ul>
  );
}

function TaskRow({ task, editable }: { task: Task; editable: boolean }) {
  const t = useT();
  const format = useFormat();
  useRoom(moving(task) ? `task:${task.id}` : null);
  return (
    <li className="flex flex-wrap items-center gap-x-6 gap-y-2 px-4 py-3">
      <div className="min-w-0 flex-1 basis-64">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <Link to="/admin/tasks/$taskId" params={{ taskId: task.id }} className="min-w-0 truncate font-medium hover:text-accent hover:underline">
            {task.kind}
          </Link>
          <Badge tone={taskTones[task.state]}>{t(`task.state.${task.state}`)}</Badge>
        </p>
        <p className="mt-0.5 flex flex-wrap gap-x-3 text-sm text-muted tabular-nums">
          <span>{t("task.inQueue", { name: task.queue })}</span>
          <time dateTime={task.created_at} title={format.dateTime(task.created_at)}>
            {format.ago(task.created_at)}
          </time>
          {task.attempt > 1 && <span>{t("task.attempt", { n: task.attempt, max: task.max_attempts })}</span>}
        </p>
        {task.message && <p className="text-sm text-muted">{task.message}</p>}
        {task.problem && <p className="text-sm break-words text-bad">{task.problem.detail ?? task.problem.title}</p>}
      </div>
      {moving(task) && <TaskProgress task={task} />}
      {editable && <TaskActions task={task} />}
    </li>
  );
}

export function TaskProgress({ task }: { task: Task }) {
  const t = useT();
  const format = useFormat();
  return (
    <div className="flex w-44 items-center gap-3">
      <div className="flex-1">
        <Progress value={task.state === "pending" ? 0 : task.progress} label={t("task.progress", { kind: task.kind })} />
      </div>
      <span className="w-10 text-right text-sm text-muted tabular-nums">{format.percent(task.progress / 100)}</span>
    </div>
  );
}
