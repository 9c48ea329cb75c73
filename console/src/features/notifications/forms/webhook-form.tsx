import { useState } from "react";
import type { Webhook } from "@/api/types";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { toast } from "@/ui/toast";
import { WebhookSecret } from "@/features/notifications/components/webhook-secret";
import { useChangeWebhook, useCreateWebhook } from "@/features/notifications/queries";
import { ALL } from "@/features/notifications/topics";
import { TopicsField } from "./topics-field";

interface Values {
  url: string;
  description: string;
  topics: string[];
}

interface FieldsProps {
  initial: Values;
  action: string;
  write: { isPending: boolean; isError: boolean; error: unknown };
  onCancel: () => void;
  onSubmit: (values: Values) => void;
}

function Fields({ initial, action, write, onCancel, onSubmit }: FieldsProps) {
  const t = useT();
  const [values, setValues] = useState(initial);
  const problem = write.isError ? toProblem(write.error) : null;
  const topicFault = problem?.fields.find((fault) => fault.pointer.startsWith("/topics"))?.detail;
  const told = problem?.field("/url") ?? problem?.field("/description") ?? topicFault;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit(values);
      }}
    >
      <TextField
        label={t("webhook.url")}
        type="url"
        isRequired
        autoFocus
        autoComplete="off"
        placeholder="https://example.org/hooks/socle"
        value={values.url}
        onChange={(url) => setValues({ ...values, url })}
        hint={t("webhook.urlHint")}
        error={problem?.field("/url")}
      />
      <TextField label={t("webhook.description")} value={values.description} onChange={(description) => setValues({ ...values, description })} error={problem?.field("/description")} />
      <TopicsField value={values.topics} onChange={(topics) => setValues({ ...values, topics })} error={topicFault} />
      {problem && !told && <Notice problem={problem} />}
      <div className="flex justify-end gap-2 pt-2">
        <Button onPress={onCancel}>{t("cancel")}</Button>
        <Button type="submit" variant="primary" isPending={write.isPending} isDisabled={values.url === "" || values.topics.length === 0}>
          {action}
        </Button>
      </div>
    </form>
  );
}

/** Once made, the dialog stays for the secret, and is not closed by a click beside it. */
export function NewWebhookDialog({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const t = useT();
  const create = useCreateWebhook();
  const close = () => {
    create.reset();
    onClose();
  };
  return (
    <Dialog title={t(create.data ? "webhook.created" : "webhook.new")} isOpen={isOpen} onClose={close} alert={create.data !== undefined}>
      {create.data ? (
        <WebhookSecret secret={create.data.secret} onDone={close} />
      ) : (
        <Fields initial={{ url: "", description: "", topics: [ALL] }} action={t("webhook.create")} write={create} onCancel={close} onSubmit={(values) => create.mutate(values)} />
      )}
    </Dialog>
  );
}

export function EditWebhookDialog({ webhook, isOpen, onClose }: { webhook: Webhook; isOpen: boolean; onClose: () => void }) {
  const t = useT();
  const change = useChangeWebhook(webhook.id);
  const close = () => {
    change.reset();
    onClose();
  };
  return (
    <Dialog title={t("webhook.edit")} isOpen={isOpen} onClose={close}>
      <Fields
        initial={{ url: webhook.url, description: webhook.description, topics: webhook.topics }}
        action={t("save")}
        write={change}
        onCancel={close}
        onSubmit={(values) =>
          change.mutate(values, {
            onSuccess: () => {
              toast(t("saved"));
              close();
            },
          })
        }
      />
    </Dialog>
  );
}
