import { Link } from "@tanstack/react-router";
import type { Webhook } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { Badge } from "@/ui/badge";
import { hearsAll } from "@/features/notifications/topics";

export function WebhookBadge({ webhook }: { webhook: Webhook }) {
  const t = useT();
  if (!webhook.is_enabled) return <Badge>{t("webhook.disabled")}</Badge>;
  return webhook.failing_since ? <Badge tone="bad">{t("webhook.failing")}</Badge> : <Badge tone="good">{t("webhook.enabled")}</Badge>;
}

export function WebhookList({ webhooks }: { webhooks: readonly Webhook[] }) {
  const t = useT();
  const format = useFormat();
  return (
    <ul className="divide-y divide-line">
      {webhooks.map((webhook) => (
        <li key={webhook.id} className="flex flex-wrap items-center gap-x-6 gap-y-1.5 px-4 py-3">
          <div className="min-w-0 flex-1 basis-72">
            <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
              <Link to="/admin/webhooks/$webhookId" params={{ webhookId: webhook.id }} className="min-w-0 font-medium break-all hover:text-accent hover:underline">
                {webhook.url}
              </Link>
              <WebhookBadge webhook={webhook} />
            </p>
            {webhook.description && <p className="text-sm text-muted">{webhook.description}</p>}
          </div>
          <p className="text-sm text-muted">
            {hearsAll(webhook.topics) ? t("webhook.allTopics") : t("webhook.topicCount", { n: webhook.topics.length })}
            {" · "}
            {webhook.last_delivery_at ? t("webhook.lastDelivery", { ago: format.ago(webhook.last_delivery_at) }) : t("webhook.noDelivery")}
          </p>
        </li>
      ))}
    </ul>
  );
}
