import { Meter as AriaMeter } from "react-aria-components";
import { cx } from "./class-names";

/** How full or how good something is, `share` from 0 to 1. The number stands beside it in words. */
export function Meter({ share, label, tone = "accent", className }: { share: number; label: string; tone?: "accent" | "good" | "warn" | "bad"; className?: string }) {
  const fill = { accent: "fill-accent", good: "fill-good", warn: "fill-warn", bad: "fill-bad" }[tone];
  return (
    <AriaMeter aria-label={label} value={share * 100} className={className}>
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden className="block h-1.5 w-full overflow-hidden rounded-full">
        <rect width="100" height="6" className="fill-sunken" />
        <rect width={Math.max(0, Math.min(100, share * 100))} height="6" className={cx(fill)} />
      </svg>
    </AriaMeter>
  );
}
