import type { Event, Health } from "@/api/types";
import { hasMessage, type Translate } from "@/lib/i18n";
import type { Tone } from "@/ui/badge";

/** Words for what the server names; a name that we do not know yet is shown as it is. */
function word(t: Translate, group: string, name: string): string {
  const key = `${group}.${name}`;
  return hasMessage(key) ? t(key) : name;
}

export const kindLabel = (t: Translate, kind: string) => word(t, "kind", kind);
export const severityLabel = (t: Translate, severity: string) => word(t, "severity", severity);
export const stateLabel = (t: Translate, state: string) => word(t, "camera.state", state);
export const classLabel = (t: Translate, name: string) => word(t, "class", name);

export const severityTone: Record<Event["severity"], Tone> = { low: "neutral", medium: "warn", high: "bad" };

export const stateTone: Record<Health["state"], Tone> = {
  stopped: "neutral",
  starting: "accent",
  online: "good",
  stalled: "warn",
  reconnecting: "warn",
  failed: "bad",
  finished: "neutral",
};

/** "motion" is what works without a model; anything else is the model's name. */
export function detectorLabel(t: Translate, detector: string): string {
  return detector === "motion" ? t("detector.motion") : detector;
}
