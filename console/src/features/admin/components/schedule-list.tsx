import { Link } from "@tanstack/react-router";
import { Play } from "lucide-react";
import type { Schedule } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useLocale, useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { zoneHere } from "@/lib/zones";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Switch } from "@/ui/field";
import { toast } from "@/ui/toast";
import { readCron } from "@/features/admin/cron";
import { outcomeLabel } from "@/features/admin/labels";
import { useChangeSchedule, useRunSchedule } from "@/features/admin/queries";

export function ScheduleList({ schedules, editable }: { schedules: readonly Schedule[]; editable: boolean }) {
  return (
    <ul className="divide-y divide-line">
      {schedules.map((schedule) => (
        <ScheduleRow key={schedule.name} schedule={schedule} editable={editable} />
      ))}
    </ul>
  );
}

function ScheduleRow({ schedule, editable }: { schedule: Schedule; editable: boolean }) {
  const t = useT();
  const format = useFormat();
  const outcome = schedule.last_outcome ? outcomeLabel(t, schedule.last_outcome) : null;
  return (
    <li className="grid gap-x-6 gap-y-2 px-4 py-3 lg:grid-cols-[minmax(0,1.4fr)_minmax(0,1fr)_minmax(0,1fr)_auto] lg:items-center">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <Link to="/admin/schedules/$name" params={{ name: schedule.name }} className="min-w-0 font-medium break-words hover:text-accent hover:underline">
            {schedule.name}
          </Link>
          {schedule.is_paused && <Badge tone="warn">{t("schedule.paused")}</Badge>}
          {schedule.is_overridden && <Badge tone="accent">{t("schedule.overridden")}</Badge>}
        </p>
        {schedule.description && <p className="text-sm text-muted">{schedule.description}</p>}
      </div>
      <CronText schedule={schedule} />
      <div className="min-w-0 text-sm">
        <NextRun schedule={schedule} />
        {schedule.last_at && (
          <p className="mt-0.5 flex flex-wrap items-center gap-x-2 text-muted">
            <time dateTime={schedule.last_at} title={format.dateTime(schedule.last_at)}>
              {t("schedule.ran", { ago: format.ago(schedule.last_at) })}
            </time>
            {outcome && <Badge tone={outcome.tone}>{outcome.text}</Badge>}
          </p>
        )}
      </div>
      {editable && <ScheduleActions schedule={schedule} />}
    </li>
  );
}

/** The rule in words, and as it is written. */
export function CronText({ schedule }: { schedule: Schedule }) {
  const reading = readCron(schedule.cron, useLocale());
  return (
    <div className="min-w-0 text-sm">
      {reading && <p>{reading}</p>}
      <p className="flex flex-wrap gap-x-2 text-muted">
        <code className="font-mono text-xs leading-5">{schedule.cron}</code>
        <span>{schedule.time_zone}</span>
      </p>
    </div>
  );
}

/** When it is due: on the clock of who reads, and on the schedule's own where that differs. */
export function NextRun({ schedule }: { schedule: Schedule }) {
  const t = useT();
  const format = useFormat();
  if (schedule.is_paused || !schedule.next_at) return <p className="text-muted">{t(schedule.is_paused ? "schedule.nextPaused" : "schedule.nextNever")}</p>;
  const [here, there] = [format.inZone(schedule.next_at, zoneHere()), format.inZone(schedule.next_at, schedule.time_zone)];
  return (
    <>
      <p>
        <span className="text-muted">{t("schedule.next")} </span>
        <time dateTime={schedule.next_at} className="font-medium">
          {here}
        </time>
      </p>
      {here !== there && <p className="text-muted">{t("schedule.there", { time: there })}</p>}
    </>
  );
}

export function ScheduleActions({ schedule }: { schedule: Schedule }) {
  const t = useT();
  const change = useChangeSchedule(schedule.name);
  const run = useRunSchedule(schedule.name);
  const onError = (error: unknown) => toast(toProblem(error).message, "bad");
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
      <Switch
        isSelected={!schedule.is_paused}
        isDisabled={change.isPending}
        onChange={(on) => change.mutate({ is_paused: !on }, { onError })}
        aria-label={t("schedule.activeOf", { name: schedule.name })}
      >
        <span className="text-sm text-muted">{t("schedule.active")}</span>
      </Switch>
      <Button
        small
        icon={Play}
        isPending={run.isPending}
        aria-label={t("schedule.runOf", { name: schedule.name })}
        onPress={() => run.mutate(undefined, { onSuccess: () => toast(t("schedule.started", { name: schedule.name })), onError })}
      >
        {t("schedule.run")}
      </Button>
    </div>
  );
}
