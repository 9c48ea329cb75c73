import { cx } from "./class-names";

/** The mark: a plinth of three courses, on which the rest stands. */
export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden className={cx("shrink-0", className)}>
      <rect width="32" height="32" rx="7" className="fill-accent" />
      <g className="fill-on-accent">
        <rect x="12" y="6.5" width="8" height="5" rx="1.2" />
        <rect x="9" y="13.5" width="14" height="5" rx="1.2" opacity="0.82" />
        <rect x="6" y="20.5" width="20" height="5" rx="1.2" opacity="0.64" />
      </g>
    </svg>
  );
}
