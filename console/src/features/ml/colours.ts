import type { Inks } from "./palette";

/** The colour of the n-th of several: after the last, from the first again. */
export function colourOf(inks: Inks, n: number): string {
  return inks.lines[n % inks.lines.length]!;
}
