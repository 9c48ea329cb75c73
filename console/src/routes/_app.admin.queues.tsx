import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { Layers } from "lucide-react";
import { JobTabs } from "@/features/admin/components/job-tabs";
import { QueueList } from "@/features/admin/components/queue-list";
import { queuesQuery } from "@/features/admin/queries";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Page } from "@/ui/page";
import { Denied, Empty, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/admin/queues")({ component: Queues });

function Queues() {
  const t = useT();
  const allowed = useCan("admin.queues.read");
  return (
    <Page title={t("nav.tasks")}>
      {allowed ? (
        <>
          <JobTabs />
          <List />
        </>
      ) : (
        <Denied />
      )}
    </Page>
  );
}

function List() {
  const t = useT();
  const query = useQuery(queuesQuery);
  const editable = useCan("admin.queues.write");
  return (
    <div className="card">
      <Loaded query={query} rows={3}>
        {(queues) => (queues.length === 0 ? <Empty icon={Layers} title={t("queue.none")} /> : <QueueList queues={queues} editable={editable} />)}
      </Loaded>
    </div>
  );
}
