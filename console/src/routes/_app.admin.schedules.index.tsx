import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { CalendarClock } from "lucide-react";
import { ScheduleList } from "@/features/admin/components/schedule-list";
import { schedulesQuery } from "@/features/admin/queries";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { zoneHere } from "@/lib/zones";
import { Page } from "@/ui/page";
import { Denied, Empty, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/admin/schedules/")({ component: Schedules });

function Schedules() {
  const t = useT();
  const allowed = useCan("admin.schedules.read");
  return (
    <Page title={t("nav.schedules")} subtitle={t("schedule.yourZone", { zone: zoneHere() })}>
      {allowed ? <List /> : <Denied />}
    </Page>
  );
}

function List() {
  const t = useT();
  const query = useQuery(schedulesQuery);
  const editable = useCan("admin.schedules.write");
  return (
    <div className="card">
      <Loaded query={query}>
        {(schedules) =>
          schedules.length === 0 ? (
            <Empty icon={CalendarClock} title={t("schedule.none")}>
              {t("schedule.noneBody")}
            </Empty>
          ) : (
            <ScheduleList schedules={schedules} editable={editable} />
          )
        }
      </Loaded>
    </div>
  );
}
