import { TAGS, useLocale, type Locale } from "./i18n";

/** Formatting of what the server sends, by language. Pure, so that tests need no page. */
export function formatter(locale: Locale, now: () => number = Date.now) {
  const tag = TAGS[locale];
  const date = new Intl.DateTimeFormat(tag, { day: "numeric", month: "short", year: "numeric" });
  const time = new Intl.DateTimeFormat(tag, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const short = new Intl.DateTimeFormat(tag, { hour: "2-digit", minute: "2-digit" });
  const dateTime = new Intl.DateTimeFormat(tag, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const dayMonth = new Intl.DateTimeFormat(tag, { day: "numeric", month: "short" });
  const relative = new Intl.RelativeTimeFormat(tag, { numeric: "auto", style: "short" });
  const number = new Intl.NumberFormat(tag, { maximumFractionDigits: 1 });

  return {
    number: (value: number) => number.format(value),
    /** Every digit that counts, for values that people set. */
    exact: (value: number) => value.toLocaleString(tag, { maximumFractionDigits: 10 }),
    percent: (share: number) => new Intl.NumberFormat(tag, { style: "percent", maximumFractionDigits: 0 }).format(share),
    /** With a digit after the comma, where 99.9 is not 100. */
    ratio: (share: number) => new Intl.NumberFormat(tag, { style: "percent", maximumFractionDigits: 1 }).format(share),
    date: (iso: string) => date.format(new Date(iso)),
    time: (iso: string) => time.format(new Date(iso)),
    hour: (iso: string) => short.format(new Date(iso)),
    dayMonth: (iso: string) => dayMonth.format(new Date(iso)),
    dateTime: (iso: string) => dateTime.format(new Date(iso)),
    /** The instant on the clocks of a time zone, with its name; plain UTC where this browser does not know the zone. */
    inZone(iso: string, timeZone: string): string {
      const options = { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short" } as const;
      try {
        return new Intl.DateTimeFormat(tag, { ...options, timeZone }).format(new Date(iso));
      } catch {
        return new Intl.DateTimeFormat(tag, { ...options, timeZone: "UTC" }).format(new Date(iso));
      }
    },
    /** "5 min ago"; whole seconds below a minute, days at most (older dates are told as dates). */
    ago(iso: string): string {
      const seconds = Math.round((new Date(iso).getTime() - now()) / 1000);
      const size = Math.abs(seconds);
      if (size < 60) return relative.format(seconds, "second");
      if (size < 3600) return relative.format(Math.trunc(seconds / 60), "minute");
      if (size < 86_400) return relative.format(Math.trunc(seconds / 3600), "hour");
      if (size < 7 * 86_400) return relative.format(Math.trunc(seconds / 86_400), "day");
      return date.format(new Date(iso));
    },
    /** Milliseconds as "850 ms", "12 s", "3 min 05 s", "2 h 10 min", "3 d 4 h", "7 d". */
    duration(ms: number): string {
      if (ms < 1000) return `${Math.round(ms)} ms`;
      const seconds = Math.round(ms / 1000);
      if (seconds < 60) return `${number.format(Math.round(ms / 100) / 10)} s`;
      const minutes = Math.floor(seconds / 60);
      if (minutes < 60 && seconds % 60 === 0) return `${minutes} min`;
      if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, "0")} s`;
      const hours = Math.floor(minutes / 60);
      if (hours < 48 && minutes % 60 === 0) return `${hours} h`;
      if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
      const days = `${number.format(Math.floor(hours / 24))} ${locale === "fr" ? "j" : "d"}`;
      return hours % 24 === 0 ? days : `${days} ${hours % 24} h`;
    },
    bytes(value: number): string {
      const units = locale === "fr" ? ["o", "ko", "Mo", "Go", "To"] : ["B", "kB", "MB", "GB", "TB"];
      let step = 0;
      while (value >= 1000 && step < units.length - 1) {
        value /= 1000;
        step += 1;
      }
      return `${number.format(value)} ${units[step]}`;
    },
    bitrate(bps: number): string {
      if (bps < 1000) return `${number.format(bps)} bit/s`;
      return bps < 1_000_000 ? `${number.format(Math.round(bps / 1000))} kbit/s` : `${number.format(bps / 1e6)} Mbit/s`;
    },
  };
}

export type Formatter = ReturnType<typeof formatter>;

const formatters: Record<Locale, Formatter> = { en: formatter("en"), fr: formatter("fr") };

export function useFormat(): Formatter {
  return formatters[useLocale()];
}
