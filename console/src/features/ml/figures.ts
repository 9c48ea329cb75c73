import { TAGS, useLocale, type Locale } from "@/lib/i18n";

/** A measured value for reading: five digits that count, very great and very small ones by powers of ten. */
export function figure(value: number, locale: Locale): string {
  if (Number.isNaN(value)) return "NaN";
  const size = Math.abs(value);
  // What MLflow keeps of infinities.
  if (size >= Number.MAX_VALUE) return value > 0 ? "∞" : "−∞";
  if (size !== 0 && (size < 1e-4 || size >= 1e8)) return value.toExponential(3).replace(/\.?0+e/, "e");
  return value.toLocaleString(TAGS[locale], { maximumSignificantDigits: 5, useGrouping: size >= 10_000 });
}

export function useFigure(): (value: number) => string {
  const locale = useLocale();
  return (value) => figure(value, locale);
}

/** Milliseconds since 1970 as the text that our formatter takes. */
export function iso(ms: number | string): string {
  return new Date(Number(ms)).toISOString();
}
