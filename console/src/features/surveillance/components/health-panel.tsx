import type { Camera } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { Notice } from "@/ui/notice";
import { Facts } from "@/ui/page";
import { detectorLabel, classLabel } from "@/features/surveillance/labels";
import type { SeenObject } from "@/features/surveillance/live";
import { HealthBadge } from "./health-badge";

export function HealthPanel({ camera, seen }: { camera: Camera; seen: SeenObject[] | null }) {
  const t = useT();
  const format = useFormat();
  const { health } = camera;
  const size = health.width && health.height ? `${health.width} × ${health.height}` : "–";
  return (
    <div className="space-y-3">
      {health.message && health.state !== "online" && <Notice tone={health.state === "failed" ? "bad" : "info"}>{health.message}</Notice>}
      <Facts
        items={[
          [t("health.state"), <HealthBadge key="state" health={health} />],
          [t("health.inView"), seen === null ? "–" : seen.length === 0 ? t("health.nobody") : summary(seen, (name) => classLabel(t, name))],
          [t("health.fpsIn"), t("fps", { n: format.number(health.fps_in) })],
          [t("health.fpsAnalysed"), t("fps", { n: format.number(health.fps_analysed) })],
          [t("health.lastFrame"), health.last_frame_age_ms != null ? t("ago", { span: format.duration(health.last_frame_age_ms) }) : "–"],
          [t("health.size"), size],
          [t("health.bitrate"), health.bitrate_bps > 0 ? format.bitrate(health.bitrate_bps) : "–"],
          [t("health.detector"), detectorLabel(t, health.detector)],
          [t("health.restarts"), format.number(health.restarts)],
          [t("health.since"), format.dateTime(health.since)],
        ]}
      />
    </div>
  );
}

/** "2 × person, 1 × car". */
function summary(seen: SeenObject[], name: (raw: string) => string): string {
  const counts = new Map<string, number>();
  for (const object of seen) counts.set(object.class, (counts.get(object.class) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} × ${name(kind)}`).join(", ");
}
