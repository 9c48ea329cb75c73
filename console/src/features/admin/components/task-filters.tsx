import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Task } from "@/api/types";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { ComboField, SelectField } from "@/ui/field";
import { TASK_STATES } from "@/features/admin/labels";
import { queuesQuery, type TaskFilters } from "@/features/admin/queries";

type Filters = Omit<TaskFilters, "page">;

export function TaskFilterBar({ filters, tasks, onChange }: { filters: Filters; tasks: readonly Task[]; onChange: (filters: Filters) => void }) {
  const t = useT();
  const queues = useQuery(queuesQuery);
  const [kind, setKind] = useState(filters.kind ?? "");
  const wide = useCan("admin.schedules.read");
  const any = { id: "all", label: t("filter.any") };
  const names = new Set([...(queues.data ?? []).map((queue) => queue.name), ...(filters.queue ? [filters.queue] : [])]);
  const kinds = [...new Set(tasks.map((task) => task.kind))].sort();
  // Typing settles before it is asked.
  useEffect(() => {
    if (kind === (filters.kind ?? "")) return;
    const timer = setTimeout(() => onChange({ ...filters, kind: kind || undefined }), 350);
    return () => clearTimeout(timer);
  }, [kind, filters, onChange]);
  return (
    <div role="search" aria-label={t("filter.title")} className="grid grid-cols-2 items-end gap-2.5 sm:grid-cols-3 xl:grid-cols-4 xl:max-w-5xl">
      <SelectField
        label={t("task.state")}
        options={[any, ...TASK_STATES.map((one) => ({ id: one, label: t(`task.state.${one}`) }))]}
        value={filters.state ?? "all"}
        onChange={(one) => onChange({ ...filters, state: one === "all" ? undefined : (one as Task["state"]) })}
      />
      <SelectField
        label={t("task.queue")}
        options={[{ id: "all", label: t("task.anyQueue") }, ...[...names].map((name) => ({ id: name, label: name }))]}
        value={filters.queue ?? "all"}
        onChange={(name) => onChange({ ...filters, queue: name === "all" ? undefined : name })}
      />
      <ComboField className={wide ? "" : "max-sm:col-span-2"} label={t("task.kind")} placeholder={t("task.kindHint")} options={kinds} value={kind} onChange={setKind} />
      {wide && (
        <SelectField
          label={t("task.scope")}
          options={[
            { id: "workspace", label: t("task.scope.workspace") },
            { id: "installation", label: t("task.scope.installation") },
          ]}
          value={filters.scope ?? "workspace"}
          onChange={(scope) => onChange({ ...filters, scope: scope === "installation" ? scope : undefined })}
        />
      )}
    </div>
  );
}
