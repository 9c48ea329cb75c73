import type { Task } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { useRoom } from "@/lib/realtime-react";
import { Badge } from "@/ui/badge";
import { Json } from "@/ui/json";
import { Notice } from "@/ui/notice";
import { Facts, Section } from "@/ui/page";
import { taskTones } from "@/features/admin/labels";
import { moving } from "@/features/admin/queries";
import { TaskProgress } from "./task-list";

export function TaskDetail({ task }: { task: Task }) {
  const t = useT();
  const format = useFormat();
  useRoom(moving(task) ? `task:${task.id}` : null);
  const time = (iso: string | null | undefined) => (iso ? <time dateTime={iso}>{format.dateTime(iso)}</time> : null);
  const fact = (label: string, value: React.ReactNode) => (value === null ? null : ([label, value] as const));
  return (
    <div className="space-y-4">
      <Section
        title={t("task.what")}
        actions={
          <span role="status" className="flex items-center gap-3">
            {moving(task) && <TaskProgress task={task} />}
            <Badge tone={taskTones[task.state]} dot={task.state === "running" ? "pulsing" : false}>
              {t(`task.state.${task.state}`)}
            </Badge>
          </span>
        }
      >
        <Facts
          items={[
            [t("task.id"), <span key="id" className="font-mono text-xs break-all">{task.id}</span>],
            [t("task.queue"), task.queue],
            [t("task.attempts"), t("task.attempt", { n: task.attempt, max: task.max_attempts })],
            fact(t("task.created"), time(task.created_at)),
            fact(t("task.started"), time(task.started_at)),
            fact(t("task.finished"), time(task.finished_at)),
            fact(t("task.took"), task.started_at && task.finished_at ? format.duration(Date.parse(task.finished_at) - Date.parse(task.started_at)) : null),
            fact(t("task.message"), task.message || null),
          ]}
        />
      </Section>
      {task.problem && (
        <Section title={t("task.problem")}>
          <Notice tone="bad">
            <p className="font-medium">{task.problem.title}</p>
            {task.problem.detail && <p className="break-words">{task.problem.detail}</p>}
          </Notice>
          <div className="mt-3">
            <Json label={t("task.problem")} value={task.problem} />
          </div>
        </Section>
      )}
      {task.result !== null && task.result !== undefined && (
        <Section title={t("task.result")}>
          <Json label={t("task.result")} value={task.result} />
        </Section>
      )}
    </div>
  );
}
