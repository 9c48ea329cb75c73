import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { History } from "lucide-react";
import type { ScheduleRun } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { Badge } from "@/ui/badge";
import { More } from "@/ui/more";
import { Section } from "@/ui/page";
import { Empty, Loaded } from "@/ui/states";
import { outcomeLabel } from "@/features/admin/labels";
import { runsQuery } from "@/features/admin/queries";

export function ScheduleRuns({ name }: { name: string }) {
  const t = useT();
  const query = useInfiniteQuery(runsQuery(name));
  return (
    <Section title={t("schedule.runs")} flush>
      <Loaded query={query} rows={4}>
        {(data) => {
          const runs = data.pages.flatMap((page) => page.items);
          return runs.length === 0 ? (
            <Empty icon={History} title={t("schedule.noRuns")}>
              {t("schedule.noRunsBody")}
            </Empty>
          ) : (
            <>
              <ul className="divide-y divide-line">
                {runs.map((run) => (
                  <RunRow key={run.id} run={run} />
                ))}
              </ul>
              <More query={query} />
            </>
          );
        }}
      </Loaded>
    </Section>
  );
}

/** A run that began this much after its time is told as late. */
const LATE_MS = 60_000;

function RunRow({ run }: { run: ScheduleRun }) {
  const t = useT();
  const format = useFormat();
  const outcome = run.task_state ? outcomeLabel(t, run.task_state) : null;
  const late = Date.parse(run.fired_at) - Date.parse(run.planned_at);
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5">
      <time dateTime={run.fired_at} className="min-w-44 tabular-nums">
        {format.dateTime(run.fired_at)}
      </time>
      <span className="text-sm text-muted">
        {t(`schedule.reason.${run.reason}`)}
        {late > LATE_MS && ` · ${t("schedule.late", { span: format.duration(late) })}`}
      </span>
      <span className="ml-auto flex items-center gap-3">
        {outcome && <Badge tone={outcome.tone}>{outcome.text}</Badge>}
        {/* Without a state it is no longer kept. */}
        {run.task_id && run.task_state && (
          <Link to="/admin/tasks/$taskId" params={{ taskId: run.task_id }} className="text-sm text-accent hover:underline">
            {t("task.one")}
          </Link>
        )}
      </span>
    </li>
  );
}
