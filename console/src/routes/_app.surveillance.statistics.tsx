import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { Statistics } from "@/features/surveillance/components/statistics";
import { statsQuery } from "@/features/surveillance/queries";
import { useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { SelectField } from "@/ui/field";
import { Page } from "@/ui/page";
import { Denied, Loaded } from "@/ui/states";

const SPANS = [1, 2, 7, 30] as const;

export const Route = createFileRoute("/_app/surveillance/statistics")({
  validateSearch: (search: Record<string, unknown>): { days?: (typeof SPANS)[number] } => ({ days: SPANS.find((span) => String(span) === String(search.days)) }),
  component: Stats,
});

function Stats() {
  const t = useT();
  const { days = 1 } = Route.useSearch();
  const navigate = Route.useNavigate();
  const allowed = useCan("surveillance.events.read");
  const query = useQuery({ ...statsQuery(days), enabled: allowed });
  return (
    <Page
      title={t("nav.statistics")}
      actions={
        allowed && (
          <SelectField
            label={t("stats.span")}
            labelHidden
            className="w-44"
            options={SPANS.map((span) => ({ id: String(span), label: t(`stats.span.${span}`) }))}
            value={String(days)}
            onChange={(span) => navigate({ search: { days: SPANS.find((one) => String(one) === span) } })}
          />
        )
      }
    >
      {allowed ? <Loaded query={query}>{(stats) => <Statistics stats={stats} days={days} />}</Loaded> : <Denied />}
    </Page>
  );
}
