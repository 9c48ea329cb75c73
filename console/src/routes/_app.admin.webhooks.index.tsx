import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { Plus, Webhook } from "lucide-react";
import { useState } from "react";
import { WebhookList } from "@/features/notifications/components/webhook-list";
import { NewWebhookDialog } from "@/features/notifications/forms/webhook-form";
import { webhooksQuery } from "@/features/notifications/queries";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { Button } from "@/ui/button";
import { Page } from "@/ui/page";
import { Denied, Empty, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/admin/webhooks/")({ component: Webhooks });

function Webhooks() {
  const t = useT();
  const allowed = useCan("notifications.webhooks.read");
  const editable = useCan("notifications.webhooks.write");
  const [making, setMaking] = useState(false);
  return (
    <Page
      title={t("nav.webhooks")}
      subtitle={t("webhook.intro")}
      actions={
        allowed &&
        editable && (
          <Button variant="primary" icon={Plus} onPress={() => setMaking(true)}>
            {t("webhook.new")}
          </Button>
        )
      }
    >
      {allowed ? <List /> : <Denied />}
      <NewWebhookDialog isOpen={making} onClose={() => setMaking(false)} />
    </Page>
  );
}

function List() {
  const t = useT();
  const query = useQuery(webhooksQuery);
  return (
    <div className="card">
      <Loaded query={query}>
        {(webhooks) =>
          webhooks.length === 0 ? (
            <Empty icon={Webhook} title={t("webhook.none")}>
              {t("webhook.noneBody")}
            </Empty>
          ) : (
            <WebhookList webhooks={webhooks} />
          )
        }
      </Loaded>
    </div>
  );
}
