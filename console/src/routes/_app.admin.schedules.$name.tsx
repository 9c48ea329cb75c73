import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import type { Schedule } from "@/api/types";
import { CronText, NextRun, ScheduleActions } from "@/features/admin/components/schedule-list";
import { ScheduleRuns } from "@/features/admin/components/schedule-runs";
import { ScheduleForm } from "@/features/admin/forms/schedule-form";
import { scheduleQuery } from "@/features/admin/queries";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Badge } from "@/ui/badge";
import { Facts, Page, Section } from "@/ui/page";
import { Denied, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/admin/schedules/$name")({ component: One });

function One() {
  const t = useT();
  const { name } = Route.useParams();
  const allowed = useCan("admin.schedules.read");
  const editable = useCan("admin.schedules.write");
  const query = useQuery({ ...scheduleQuery(name), enabled: allowed });
  return (
    <Page
      above={
        <Link to="/admin/schedules" className="hover:text-accent hover:underline">
          {t("nav.schedules")}
        </Link>
      }
      title={name}
      subtitle={query.data?.description}
      actions={query.data && editable && <ScheduleActions schedule={query.data} />}
    >
      {allowed ? <Loaded query={query}>{(schedule) => <Detail schedule={schedule} editable={editable} />}</Loaded> : <Denied />}
    </Page>
  );
}

function Detail({ schedule, editable }: { schedule: Schedule; editable: boolean }) {
  const t = useT();
  const format = useFormat();
  return (
    <div className="grid items-start gap-4 lg:grid-cols-2">
      <div className="space-y-4">
        <Section
          title={t("schedule.when")}
          actions={
            <span className="flex gap-2">
              {schedule.is_paused && <Badge tone="warn">{t("schedule.paused")}</Badge>}
              {schedule.is_overridden && <Badge tone="accent">{t("schedule.overridden")}</Badge>}
            </span>
          }
        >
          <div className="space-y-3">
            <CronText schedule={schedule} />
            <div className="text-sm">
              <NextRun schedule={schedule} />
            </div>
            <Facts
              items={[
                [t("task.kind"), <code key="kind" className="font-mono text-xs">{schedule.kind}</code>],
                [t("schedule.last"), schedule.last_at ? format.dateTime(schedule.last_at) : t("never")],
              ]}
            />
          </div>
        </Section>
        {/* Built anew when the rule changed elsewhere, so that it shows what holds. */}
        {editable && <ScheduleForm key={`${schedule.cron} ${schedule.time_zone} ${schedule.catch_up}`} schedule={schedule} />}
      </div>
      <ScheduleRuns name={schedule.name} />
    </div>
  );
}
