import type { Quota } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useLocale, useT } from "@/lib/i18n";
import { Badge } from "@/ui/badge";
import { Meter } from "@/ui/meter";
import { amount, fullness, shareOf } from "@/features/workspace/quotas";

const tones = { free: "accent", near: "warn", full: "bad" } as const;

/** What is used, of how much, and when a day's share begins anew. */
export function QuotaList({ quotas }: { quotas: readonly Quota[] }) {
  const t = useT();
  const format = useFormat();
  const locale = useLocale();
  return (
    <ul className="grid gap-4 sm:grid-cols-2 xl:grid-cols-3">
      {quotas.map((quota) => {
        const state = fullness(quota);
        const label = quota.label[locale];
        return (
          <li key={quota.resource} className="card flex min-w-0 flex-col gap-2 px-4 py-3.5">
            <div className="flex items-center justify-between gap-3">
              <h2 className="font-medium">{label}</h2>
              {state !== "free" && <Badge tone={tones[state]}>{t(`quotas.${state}`)}</Badge>}
            </div>
            <p className="tabular-nums">
              <span className="text-xl font-semibold">{amount(quota.used, quota.unit, format)}</span>{" "}
              <span className="text-muted">{quota.limit === null ? t("quotas.unlimited") : t("quotas.of", { limit: amount(quota.limit, quota.unit, format) })}</span>
            </p>
            {quota.limit !== null && <Meter share={shareOf(quota)} tone={tones[state]} label={label} />}
            <p className="mt-auto text-sm text-muted">
              {t(quota.per === "day" ? "quotas.perDay" : quota.per === "month" ? "quotas.perMonth" : "quotas.standing")}
              {quota.resets_at && ` · ${t("quotas.resets", { at: format.dateTime(quota.resets_at) })}`}
            </p>
          </li>
        );
      })}
    </ul>
  );
}
