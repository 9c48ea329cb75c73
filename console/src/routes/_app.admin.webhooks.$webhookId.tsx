import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { Deliveries } from "@/features/notifications/components/deliveries";
import { WebhookDetail } from "@/features/notifications/components/webhook-detail";
import { webhookQuery } from "@/features/notifications/queries";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Page } from "@/ui/page";
import { Denied, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/admin/webhooks/$webhookId")({ component: One });

function One() {
  const t = useT();
  const { webhookId } = Route.useParams();
  const navigate = Route.useNavigate();
  const allowed = useCan("notifications.webhooks.read");
  const editable = useCan("notifications.webhooks.write");
  const query = useQuery({ ...webhookQuery(webhookId), enabled: allowed });
  return (
    <Page
      above={
        <Link to="/admin/webhooks" className="hover:text-accent hover:underline">
          {t("nav.webhooks")}
        </Link>
      }
      title={query.data ? query.data.description || hostOf(query.data.url) : t("webhook.one")}
    >
      {allowed ? (
        <Loaded query={query}>
          {(webhook) => (
            <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,26rem)_minmax(0,1fr)]">
              <WebhookDetail webhook={webhook} editable={editable} onDeleted={() => void navigate({ to: "/admin/webhooks" })} />
              <Deliveries webhook={webhook} editable={editable} />
            </div>
          )}
        </Loaded>
      ) : (
        <Denied />
      )}
    </Page>
  );
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}
