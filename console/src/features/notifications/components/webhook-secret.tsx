import { useT } from "@/lib/i18n";
import { SecretOnce } from "@/ui/secret-once";

/** The secret with which deliveries are signed. */
export function WebhookSecret({ secret, onDone }: { secret: string; onDone: () => void }) {
  const t = useT();
  return <SecretOnce secret={secret} label={t("webhook.secret")} notice={t("webhook.secretOnce")} hint={t("webhook.secretHint")} onDone={onDone} />;
}
