import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { RotateCw, Webhook as WebhookIcon } from "lucide-react";
import type { Delivery, Webhook } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Disclosure } from "@/ui/disclosure";
import { Json, parsed } from "@/ui/json";
import { More } from "@/ui/more";
import { Facts, Section } from "@/ui/page";
import { Empty, Loaded } from "@/ui/states";
import { toast } from "@/ui/toast";
import { deliveriesQuery, deliveryQuery, useRedeliver } from "@/features/notifications/queries";

const tones = { pending: "accent", delivered: "good", failed: "bad" } as const;

/** An endpoint is called by its breaker's name there, `webhooks/{id}`; people know it by its host. */
function plain(error: string, webhook: Webhook): string {
  const { host } = URL.canParse(webhook.url) ? new URL(webhook.url) : { host: webhook.url };
  return error.replace(`webhooks/${webhook.id}`, host);
}

export function Deliveries({ webhook, editable }: { webhook: Webhook; editable: boolean }) {
  const t = useT();
  const query = useInfiniteQuery(deliveriesQuery(webhook.id));
  return (
    <Section title={t("delivery.all")} flush>
      <Loaded query={query}>
        {(data) => {
          const deliveries = data.pages.flatMap((page) => page.items);
          return deliveries.length === 0 ? (
            <Empty icon={WebhookIcon} title={t("delivery.none")}>
              {t("delivery.noneBody")}
            </Empty>
          ) : (
            <>
              <ul className="divide-y divide-line">
                {deliveries.map((delivery) => (
                  <li key={delivery.id}>
                    <Disclosure head={<Head webhook={webhook} delivery={delivery} />}>{() => <Detail webhook={webhook.id} delivery={delivery} editable={editable} />}</Disclosure>
                  </li>
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

function Head({ webhook, delivery }: { webhook: Webhook; delivery: Delivery }) {
  const t = useT();
  const format = useFormat();
  return (
    <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <Badge tone={tones[delivery.status]}>{t(`delivery.${delivery.status}`)}</Badge>
      <span className="min-w-0 font-medium break-all">{delivery.topic}</span>
      {delivery.response_status && <span className="text-sm text-muted tabular-nums">HTTP {delivery.response_status}</span>}
      {delivery.error && <span className="min-w-0 text-sm break-words text-bad">{plain(delivery.error, webhook)}</span>}
      <time dateTime={delivery.created_at} title={format.dateTime(delivery.created_at)} className="ml-auto text-sm text-muted">
        {format.ago(delivery.created_at)}
      </time>
    </span>
  );
}

function Detail({ webhook, delivery, editable }: { webhook: string; delivery: Delivery; editable: boolean }) {
  const t = useT();
  const format = useFormat();
  const query = useQuery(deliveryQuery(webhook, delivery.id));
  const again = useRedeliver(webhook);
  const next = delivery.status === "pending" && delivery.next_at ? ([t("delivery.next"), format.dateTime(delivery.next_at)] as const) : null;
  return (
    <div className="space-y-3">
      <Facts
        items={[
          [t("delivery.message"), <code key="id" className="font-mono text-xs break-all">{delivery.message_id}</code>],
          [t("delivery.attempts"), format.number(delivery.attempts)],
          delivery.delivered_at ? [t("delivery.at"), format.dateTime(delivery.delivered_at)] : null,
          next,
        ]}
      />
      <Loaded query={query} rows={3}>
        {(detail) => (
          <>
            <div>
              <h3 className="mb-1 text-sm font-medium">{t("delivery.payload")}</h3>
              <Json label={t("delivery.payload")} value={parsed(detail.payload)} />
            </div>
            {detail.response_body && (
              <div>
                <h3 className="mb-1 text-sm font-medium">{t("delivery.response")}</h3>
                <Json label={t("delivery.response")} value={parsed(detail.response_body)} />
              </div>
            )}
          </>
        )}
      </Loaded>
      {editable && (
        <Button
          small
          icon={RotateCw}
          isPending={again.isPending}
          isDisabled={delivery.status === "pending"}
          onPress={() =>
            again.mutate(delivery.id, {
              onSuccess: () => toast(t("delivery.againDone")),
              onError: (error) => toast(toProblem(error).message, "bad"),
            })
          }
        >
          {t("delivery.again")}
        </Button>
      )}
    </div>
  );
}
