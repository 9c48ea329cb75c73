import type { Stats } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { RankBars, TimeBars, type Bar } from "@/ui/bars";
import { Section } from "@/ui/page";
import { kindLabel } from "@/features/surveillance/labels";

const HOUR_MS = 3_600_000;

/** The server tells only hours in which something happened; the axis shows them all. */
export function fillHours(counts: readonly { hour: string; count: number }[], days: number, now: number = Date.now()): { at: string; count: number }[] {
  const known = new Map(counts.map((entry) => [Math.floor(Date.parse(entry.hour) / HOUR_MS), entry.count]));
  const last = Math.floor(now / HOUR_MS);
  return Array.from({ length: days * 24 }, (_, index) => {
    const hour = last - days * 24 + 1 + index;
    return { at: new Date(hour * HOUR_MS).toISOString(), count: known.get(hour) ?? 0 };
  });
}

export function fillDays(counts: readonly { day: string; count: number }[], days: number, now: number = Date.now()): { at: string; count: number }[] {
  const known = new Map(counts.map((entry) => [entry.day.slice(0, 10), entry.count]));
  return Array.from({ length: days }, (_, index) => {
    const at = new Date(now - (days - 1 - index) * 86_400_000).toISOString().slice(0, 10);
    return { at, count: known.get(at) ?? 0 };
  });
}

export function Statistics({ stats, days }: { stats: Stats; days: number }) {
  const t = useT();
  const format = useFormat();
  const hourly = days <= 2;
  const over: Bar[] = hourly
    ? fillHours(stats.by_hour, days).map(({ at, count }) => ({ key: at, label: format.hour(at), value: count, detail: `${format.dayMonth(at)} ${format.hour(at)}` }))
    : fillDays(stats.by_day, days).map(({ at, count }) => ({ key: at, label: format.dayMonth(at), value: count }));
  const kinds: Bar[] = Object.entries(stats.by_kind)
    .map(([kind, value]) => ({ key: kind, label: kindLabel(t, kind), value: Number(value) }))
    .sort((a, b) => b.value - a.value);
  const cameras: Bar[] = [...stats.by_camera].sort((a, b) => b.count - a.count).map((entry) => ({ key: entry.camera_id, label: entry.name, value: entry.count }));
  return (
    <div className="space-y-4">
      <dl className="grid grid-cols-2 gap-4 lg:grid-cols-4">
        <Figure label={t("stats.events")} value={format.number(stats.events.total)} />
        <Figure label={t("stats.unacknowledged")} value={format.number(stats.events.unacknowledged)} />
        <Figure label={t("stats.active")} value={format.number(stats.events.active)} />
        <Figure label={t("stats.online")} value={`${format.number(stats.cameras.online)} / ${format.number(stats.cameras.total)}`} />
      </dl>
      <Section title={t(hourly ? "stats.byHour" : "stats.byDay")}>
        <TimeBars bars={over} caption={t(hourly ? "stats.byHour" : "stats.byDay")} unit={t("stats.unit")} ticks={8} />
      </Section>
      <div className="grid gap-4 md:grid-cols-2">
        <Section title={t("stats.byCamera")}>{cameras.length > 0 ? <RankBars bars={cameras} /> : <p className="text-muted">{t("stats.none")}</p>}</Section>
        <Section title={t("stats.byKind")}>{kinds.length > 0 ? <RankBars bars={kinds} /> : <p className="text-muted">{t("stats.none")}</p>}</Section>
      </div>
    </div>
  );
}

function Figure({ label, value }: { label: string; value: string }) {
  return (
    <div className="card px-4 py-3">
      <dt className="text-sm text-muted">{label}</dt>
      <dd className="text-2xl font-semibold tabular-nums">{value}</dd>
    </div>
  );
}
