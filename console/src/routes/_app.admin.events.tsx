import { createFileRoute } from "@tanstack/react-router";
import { EventLog } from "@/features/admin/components/event-log";
import { useT } from "@/lib/i18n";
import { useCan, useMe } from "@/lib/session";
import { Page } from "@/ui/page";
import { Denied } from "@/ui/states";

export const Route = createFileRoute("/_app/admin/events")({ component: Events });

function Events() {
  const t = useT();
  const me = useMe();
  const allowed = useCan("admin.events.read");
  // Another workspace is another log.
  return (
    <Page title={t("nav.log")} subtitle={t("log.intro", { name: me.workspace.name })}>
      {allowed ? <EventLog key={me.workspace.id} /> : <Denied />}
    </Page>
  );
}
