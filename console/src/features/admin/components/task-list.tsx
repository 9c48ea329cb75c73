import type { Task } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { useRoom } from "@/lib/realtime-react";
import { Badge, type Tone } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Progress } from "@/ui/progress";
import { toast } from "@/ui/toast";
import { useCancelTask, useRetryTask } from "@/features/admin/queries";

const tones: Record<Task["state"], Tone> = {
  pending: "neutral",
  running: "accent",
  retrying: "warn",
  succeeded: "good",
  failed: "bad",
  cancelled: "neutral",
};

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
  const cancel = useCancelTask();
  const retry = useRetryTask();
  const moving = task.state === "running" || task.state === "retrying" || task.state === "pending";
  useRoom(moving ? `task:${task.id}` : null);
  const onError = (error: unknown) => toast(toProblem(error).message, "bad");
  return (
    <li className="flex flex-wrap items-center gap-x-6 gap-y-2 px-4 py-3">
      <div className="min-w-0 flex-1 basis-64">
        <p className="flex items-center gap-2">
          <span className="truncate font-medium">{task.kind}</span>
          <Badge tone={tones[task.state]}>{t(`task.state.${task.state}`)}</Badge>
        </p>
        <p className="mt-0.5 flex flex-wrap gap-x-3 text-sm text-muted tabular-nums">
          <span className="font-mono text-xs leading-5">{task.id}</span>
          <time dateTime={task.created_at} title={format.dateTime(task.created_at)}>
            {format.ago(task.created_at)}
          </time>
          {task.attempt > 1 && <span>{t("task.attempt", { n: task.attempt, max: task.max_attempts })}</span>}
        </p>
        {task.message && <p className="text-sm text-muted">{task.message}</p>}
        {task.problem && <p className="text-sm break-words text-bad">{task.problem.detail ?? task.problem.title}</p>}
      </div>
      {moving && (
        <div className="flex w-44 items-center gap-3">
          <div className="flex-1">
            <Progress value={task.state === "pending" ? 0 : task.progress} label={t("task.progress", { kind: task.kind })} />
          </div>
          <span className="w-10 text-right text-sm text-muted tabular-nums">{format.percent(task.progress / 100)}</span>
        </div>
      )}
      {editable && moving && (
        <Button small isPending={cancel.isPending} onPress={() => cancel.mutate(task.id, { onError })}>
          {t("task.cancel")}
        </Button>
      )}
      {editable && (task.state === "failed" || task.state === "cancelled") && (
        <Button small isPending={retry.isPending} onPress={() => retry.mutate(task.id, { onError })}>
          {t("task.retry")}
        </Button>
      )}
    </li>
  );
}
