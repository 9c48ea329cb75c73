import type { Event } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { Facts } from "@/ui/page";

/** Why this is an event: the rule with its thresholds, what was seen, how sure, by which model. */
export function Evidence({ event }: { event: Event }) {
  const t = useT();
  const format = useFormat();
  const { evidence } = event;
  const rule = Object.entries(evidence.rule as Record<string, unknown>).filter(([name]) => name !== "points" && name !== "polygon");
  return (
    <div className="space-y-4">
      <Facts
        items={[
          [t("evidence.tracks"), event.track_ids.length > 0 ? event.track_ids.map((id) => `#${id}`).join(", ") : "–"],
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
      {evidence.scores.length > 1 && <Scores scores={evidence.scores} />}
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

/** The detector's certainty over the sightings, as one line. */
function Scores({ scores }: { scores: readonly number[] }) {
  const t = useT();
  const format = useFormat();
  const points = scores.map((score, index) => `${(index / (scores.length - 1)) * 200},${40 - score * 40}`).join(" ");
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  return (
    <figure>
      <figcaption className="mb-1.5 flex justify-between text-sm">
        <span className="font-medium">{t("evidence.scores")}</span>
        <span className="text-muted tabular-nums">
          {format.percent(low)} – {format.percent(high)}
        </span>
      </figcaption>
      <svg viewBox="0 0 200 40" preserveAspectRatio="none" aria-hidden className="block h-12 w-full rounded-control bg-sunken">
        <polyline points={points} fill="none" className="stroke-accent" strokeWidth="1.5" vectorEffect="non-scaling-stroke" />
      </svg>
    </figure>
  );
}
