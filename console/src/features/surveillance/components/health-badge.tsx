import type { Health } from "@/api/types";
import { useT } from "@/lib/i18n";
import { Badge } from "@/ui/badge";
import { stateLabel, stateTone } from "@/features/surveillance/labels";

export function HealthBadge({ health }: { health: Health }) {
  const t = useT();
  return (
    <Badge tone={stateTone[health.state] ?? "neutral"} dot>
      {stateLabel(t, health.state)}
    </Badge>
  );
}

/** Whether a camera in this state has a picture to show. */
export function hasPicture(health: Health): boolean {
  return health.state === "online" || health.state === "stalled" || health.state === "finished";
}
