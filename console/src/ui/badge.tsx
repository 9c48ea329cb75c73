import type { ReactNode } from "react";
import { cx } from "./class-names";

export type Tone = "neutral" | "good" | "warn" | "bad" | "accent";

const tones: Record<Tone, string> = {
  neutral: "bg-sunken text-muted",
  good: "bg-good-soft text-good",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  accent: "bg-accent-soft text-accent",
};

export function Badge({ tone = "neutral", dot, children, className }: { tone?: Tone; dot?: boolean | "pulsing"; children: ReactNode; className?: string }) {
  return (
    <span className={cx("inline-flex h-5.5 items-center gap-1.5 rounded-full px-2 text-xs font-medium whitespace-nowrap", tones[tone], className)}>
      {dot && <span aria-hidden className={cx("size-1.5 rounded-full bg-current", dot === "pulsing" && "pulse-soft")} />}
      {children}
    </span>
  );
}
