import { ProgressBar } from "react-aria-components";

/** `value` from 0 to 100; undefined while unknown. */
export function Progress({ value, label }: { value: number | undefined; label: string }) {
  return (
    <ProgressBar aria-label={label} value={value ?? 0} isIndeterminate={value === undefined}>
      {({ percentage }) => (
        <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden className="block h-1.5 w-full overflow-hidden rounded-full">
          <rect width="100" height="6" className="fill-sunken" />
          <rect width={percentage ?? 100} height="6" className={percentage === undefined ? "pulse-soft fill-accent" : "fill-accent"} />
        </svg>
      )}
    </ProgressBar>
  );
}
