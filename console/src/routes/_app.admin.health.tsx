import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { BreakersPanel, ComponentsPanel, DatabasePanel, LimitsPanel, NodesPanel, ReadyPanel, ServerPanel } from "@/features/admin/components/system-panels";
import { TaskLink } from "@/features/admin/components/task-link";
import { limitsQuery, readyQuery, systemQuery } from "@/features/admin/queries";
import { MailPanel } from "@/features/notifications/components/mail-panel";
import { webhooksQuery } from "@/features/notifications/queries";
import { CameraStates } from "@/features/surveillance/components/camera-states";
import { camerasQuery } from "@/features/surveillance/queries";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Page, Section } from "@/ui/page";
import { Denied, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/admin/health")({ component: Health });

function Health() {
  const t = useT();
  const allowed = useCan("admin.system.read");
  return <Page title={t("nav.health")}>{allowed ? <Panels /> : <Denied />}</Page>;
}

function Panels() {
  const t = useT();
  const system = useQuery(systemQuery);
  const ready = useQuery(readyQuery);
  const sees = useCan("surveillance.cameras.read");
  const cameras = useQuery({ ...camerasQuery, enabled: sees });
  const limited = useCan("admin.limits.read");
  const limits = useQuery({ ...limitsQuery, enabled: limited });
  const mails = useCan("notifications.mail.read");
  return (
    <div className="grid items-start gap-4 *:min-w-0 lg:grid-cols-2">
      <div className="space-y-4">
        <Loaded query={system}>
          {(data) => (
            <>
              <ServerPanel system={data} />
              <DatabasePanel system={data} />
            </>
          )}
        </Loaded>
        {system.data && <NodesPanel system={system.data} />}
      </div>
      <div className="space-y-4">
        <Loaded query={ready} rows={3}>
          {(data) => <ReadyPanel ready={data} />}
        </Loaded>
        {system.data && <ComponentsPanel system={system.data} />}
        {system.data && <BreakersPanel system={system.data} upstream={(name) => <Upstream name={name} />} />}
        {mails && <MailPanel task={(id) => <TaskLink id={id} />} sent={<SentMails />} />}
      </div>
      {limited && (
        <Loaded query={limits} rows={4}>
          {(data) => <LimitsPanel limits={data} />}
        </Loaded>
      )}
      {sees && (
        <Section title={t("nav.cameras")} flush className="lg:col-span-2">
          <Loaded query={cameras}>{(data) => <CameraStates cameras={data} />}</Loaded>
        </Section>
      )}
    </div>
  );
}

/** Each webhook has a breaker of its own, `webhooks/{id}`: it is called by its description, or by where it goes. */
function Upstream({ name }: { name: string }) {
  const t = useT();
  const id = name.startsWith("webhooks/") ? name.slice("webhooks/".length) : null;
  const allowed = useCan("notifications.webhooks.read");
  const webhooks = useQuery({ ...webhooksQuery, enabled: allowed && id !== null });
  const webhook = webhooks.data?.find((one) => one.id === id);
  if (!webhook) return name;
  return (
    <>
      {t("webhook.one")}{" "}
      <Link to="/admin/webhooks/$webhookId" params={{ webhookId: webhook.id }} className="text-accent hover:underline">
        {webhook.description || webhook.url}
      </Link>
    </>
  );
}

/** Those of this workspace: a mail is a task, and so is a batch of notifications. */
function SentMails() {
  const t = useT();
  if (!useCan("admin.tasks.read")) return null;
  return (
    <p className="text-sm text-muted">
      {t("mail.seeTasks")}{" "}
      <Link to="/admin/tasks" search={{ kind: "notifications.mail" }} className="text-accent hover:underline">
        {t("mail.seeMails")}
      </Link>
      {" · "}
      <Link to="/admin/tasks" search={{ kind: "notifications.send_batch" }} className="text-accent hover:underline">
        {t("mail.seeBatches")}
      </Link>
    </p>
  );
}
