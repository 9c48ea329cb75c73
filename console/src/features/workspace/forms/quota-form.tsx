import { useState } from "react";
import type { Quota } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useLocale, useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { toast } from "@/ui/toast";
import { useSetQuotas } from "@/features/workspace/queries";
import { amount, parseLimit } from "@/features/workspace/quotas";

/** Limits of one workspace, set by who looks after the installation. Empty is without limit. */
export function QuotaForm({ workspace, quotas, onDone }: { workspace: string; quotas: readonly Quota[]; onDone: () => void }) {
  const t = useT();
  const format = useFormat();
  const locale = useLocale();
  const set = useSetQuotas(workspace);
  const [typed, setTyped] = useState<Record<string, string>>(() => Object.fromEntries(quotas.map((quota) => [quota.resource, quota.limit === null ? "" : String(quota.limit)])));
  const limits = quotas.map((quota) => ({ quota, limit: parseLimit(typed[quota.resource] ?? "") }));
  const problem = set.isError ? toProblem(set.error) : null;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        const changed = limits.filter(({ quota, limit }) => limit !== undefined && limit !== quota.limit);
        set.mutate(Object.fromEntries(changed.map(({ quota, limit }) => [quota.resource, limit ?? null])), {
          onSuccess: () => {
            toast(t("saved"));
            onDone();
          },
        });
      }}
    >
      <p className="text-muted">{t("quotas.formBody")}</p>
      {limits.map(({ quota, limit }) => (
        <TextField
          key={quota.resource}
          label={quota.label[locale]}
          hint={`${t("quotas.usedNow", { used: amount(quota.used, quota.unit, format) })}${limit ? ` · ${t("quotas.of", { limit: amount(limit, quota.unit, format) })}` : ""}`}
          unit={quota.unit}
          inputMode="numeric"
          autoComplete="off"
          placeholder={t("quotas.unlimited")}
          value={typed[quota.resource] ?? ""}
          onChange={(value) => setTyped({ ...typed, [quota.resource]: value })}
          error={limit === undefined ? t("quotas.notNumber") : problem?.field(`/${quota.resource}`)}
        />
      ))}
      {problem && <Notice problem={problem} />}
      <div className="flex justify-end gap-2 pt-2">
        <Button onPress={onDone}>{t("cancel")}</Button>
        <Button type="submit" variant="primary" isPending={set.isPending} isDisabled={limits.some(({ limit }) => limit === undefined)}>
          {t("save")}
        </Button>
      </div>
    </form>
  );
}
