import { useT } from "@/lib/i18n";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";

/** The secret is told this once: the server keeps no way to read it again. */
export function SecretOnce({ secret, onDone }: { secret: string; onDone: () => void }) {
  const t = useT();
  return (
    <div className="space-y-4">
      <Notice>{t("webhook.secretOnce")}</Notice>
      <TextField label={t("webhook.secret")} isReadOnly mono value={secret} hint={t("webhook.secretHint")} />
      <div className="flex justify-end gap-2">
        <CopyButton label={t("webhook.copySecret")} text={() => secret} />
        <Button variant="primary" onPress={onDone}>
          {t("webhook.secretKept")}
        </Button>
      </div>
    </div>
  );
}
