import type { Task } from "@/api/types";
import { hasMessage, type Translate } from "@/lib/i18n";
import type { Tone } from "@/ui/badge";

export const TASK_STATES = ["pending", "running", "retrying", "succeeded", "failed", "cancelled"] as const satisfies readonly Task["state"][];

export const taskTones: Record<Task["state"], Tone> = {
  pending: "neutral",
  running: "accent",
  retrying: "warn",
  succeeded: "good",
  failed: "bad",
  cancelled: "neutral",
};

/** The engine behind a service, as we call it where we know it. */
export function engineLabel(t: Translate, engine: string): string {
  const key = `engine.${engine}`;
  return hasMessage(key) ? t(key) : engine;
}

export function breakerLabel(t: Translate, state: string): string {
  const key = `breaker.${state}`;
  return hasMessage(key) ? t(key) : state;
}

/** A part that is checked, as we call it where we know it. */
export function componentLabel(t: Translate, name: string): string {
  const key = `component.${name}`;
  return hasMessage(key) ? t(key) : name;
}

/** What the calls under a limit are counted by. */
export function limitKeyLabel(t: Translate, kind: string): string {
  const key = `limits.key.${kind}`;
  return hasMessage(key) ? t(key) : kind;
}

/** The state of a task that is told as a text: as we call it where we know it, else as it came. */
export function outcomeLabel(t: Translate, outcome: string): { text: string; tone: Tone } {
  const key = `task.state.${outcome}`;
  return {
    text: hasMessage(key) ? t(key) : outcome,
    tone: outcome in taskTones ? taskTones[outcome as Task["state"]] : "neutral",
  };
}
