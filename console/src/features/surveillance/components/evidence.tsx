import type { Event } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { Facts } from "@/ui/page";

/** Outlines are seen on the picture; as figures they only fill the page. */
function isGeometry(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((point) => Array.isArray(point) || (typeof point === "object" && point !== null));
}

/** "#17 (82 %)": a track and its mean score, where there is one. */
function trackText(id: number, score: number | undefined, percent: (share: number) => string): string {
  return score === undefined ? `#${id}` : `#${id} (${percent(score)})`;
}

/** Why this is an event: the rule with its thresholds, what was seen, how sure, by which model. */
export function Evidence({ event }: { event: Event }) {
  const t = useT();
  const format = useFormat();
  const { evidence } = event;
  const rule = Object.entries(evidence.rule as Record<string, unknown>).filter(([, value]) => !isGeometry(value));
  return (
    <div className="space-y-4">
      <Facts
        items={[
          [t("evidence.tracks"), event.track_ids.length > 0 ? event.track_ids.map((id, index) => trackText(id, evidence.scores[index], format.percent)).join(", ") : "–"],
          evidence.dwell_ms ? [t("evidence.dwell"), format.duration(evidence.dwell_ms)] : null,
          evidence.key_frame_at ? [t("evidence.keyFrame"), format.dateTime(evidence.key_frame_at)] : null,
          [
            t("evidence.model"),
            evidence.model ? (
              <span key="model" className="font-mono text-xs break-all" title={evidence.model}>
                {evidence.model.slice(0, 16)}…
              </span>
            ) : (
              t("detector.motion")
            ),
          ],
        ]}
      />
      {rule.length > 0 && (
        <div>
          <h3 className="mb-1.5 text-sm font-medium">{t("evidence.rule")}</h3>
          <dl className="space-y-1 rounded-control bg-sunken px-3 py-2 font-mono text-xs">
            {rule.map(([name, value]) => (
              <div key={name} className="flex justify-between gap-4">
                <dt className="text-muted">{name}</dt>
                <dd className="min-w-0 text-right break-words">{typeof value === "object" ? JSON.stringify(value) : `${value as string | number | boolean}`}</dd>
              </div>
            ))}
          </dl>
        </div>
      )}
    </div>
  );
}
