import { useState } from "react";
import type { Webhook } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button } from "@/ui/button";
import { Confirm, Dialog } from "@/ui/dialog";
import { Switch } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { Facts, Section } from "@/ui/page";
import { toast } from "@/ui/toast";
import { EditWebhookDialog } from "@/features/notifications/forms/webhook-form";
import { useChangeWebhook, useDeleteWebhook, useRotateSecret, useTestWebhook } from "@/features/notifications/queries";
import { hearsAll } from "@/features/notifications/topics";
import { WebhookSecret } from "./webhook-secret";
import { WebhookBadge } from "./webhook-list";

interface Props {
  webhook: Webhook;
  editable: boolean;
  onDeleted: () => void;
}

export function WebhookDetail({ webhook, editable, onDeleted }: Props) {
  const t = useT();
  const format = useFormat();
  const change = useChangeWebhook(webhook.id);
  return (
    <Section
      title={t("webhook.endpoint")}
      actions={
        editable ? (
          <Switch
            isSelected={webhook.is_enabled}
            isDisabled={change.isPending}
            onChange={(is_enabled) => change.mutate({ is_enabled }, { onError: (error) => toast(toProblem(error).message, "bad") })}
          >
            {t("webhook.isEnabled")}
          </Switch>
        ) : (
          <WebhookBadge webhook={webhook} />
        )
      }
    >
      <div className="space-y-4">
        {!webhook.is_enabled && webhook.disabled_why && <Notice tone="bad">{t("webhook.disabledWhy", { why: webhook.disabled_why })}</Notice>}
        {webhook.is_enabled && webhook.failing_since && <Notice tone="bad">{t("webhook.failingSince", { time: format.dateTime(webhook.failing_since) })}</Notice>}
        <Facts
          items={[
            [t("webhook.url"), <span key="url" className="break-all">{webhook.url}</span>],
            webhook.description ? [t("webhook.description"), webhook.description] : null,
            [
              t("webhook.topics"),
              hearsAll(webhook.topics) ? (
                t("webhook.allTopics")
              ) : (
                <ul key="topics" className="font-mono text-xs leading-5">
                  {webhook.topics.map((topic) => (
                    <li key={topic} className="break-all">
                      {topic}
                    </li>
                  ))}
                </ul>
              ),
            ],
            [t("webhook.since"), format.dateTime(webhook.created_at)],
            [t("webhook.last"), webhook.last_delivery_at ? format.dateTime(webhook.last_delivery_at) : t("never")],
          ]}
        />
        {editable && <Actions webhook={webhook} onDeleted={onDeleted} />}
      </div>
    </Section>
  );
}

function Actions({ webhook, onDeleted }: { webhook: Webhook; onDeleted: () => void }) {
  const t = useT();
  const [open, setOpen] = useState<"edit" | "rotate" | "delete" | null>(null);
  const test = useTestWebhook(webhook.id);
  const rotate = useRotateSecret(webhook.id);
  const remove = useDeleteWebhook();
  const close = () => setOpen(null);
  return (
    <div className="flex flex-wrap gap-2 border-t border-line pt-4">
      <Button
        small
        variant="primary"
        isPending={test.isPending}
        onPress={() => test.mutate(undefined, { onSuccess: () => toast(t("webhook.tested")), onError: (error) => toast(toProblem(error).message, "bad") })}
      >
        {t("webhook.test")}
      </Button>
      <Button small onPress={() => setOpen("edit")}>
        {t("edit")}
      </Button>
      <Button small onPress={() => setOpen("rotate")}>
        {t("webhook.rotate")}
      </Button>
      <Button small variant="danger" onPress={() => setOpen("delete")}>
        {t("delete")}
      </Button>
      <EditWebhookDialog webhook={webhook} isOpen={open === "edit"} onClose={close} />
      <Confirm
        title={t("webhook.rotateTitle")}
        body={t("webhook.rotateBody")}
        action={t("webhook.rotate")}
        isOpen={open === "rotate"}
        onClose={close}
        onConfirm={() => rotate.mutateAsync()}
      />
      <Dialog title={t("webhook.rotated")} isOpen={rotate.data !== undefined} onClose={() => rotate.reset()} alert>
        {rotate.data && <WebhookSecret secret={rotate.data.secret} onDone={() => rotate.reset()} />}
      </Dialog>
      <Confirm
        title={t("webhook.deleteTitle")}
        body={t("webhook.deleteBody")}
        action={t("delete")}
        isOpen={open === "delete"}
        onClose={close}
        onConfirm={async () => {
          await remove.mutateAsync(webhook.id);
          onDeleted();
        }}
      />
    </div>
  );
}
