/** What the event feed is narrowed to, as kept in the address: only what was chosen stands there. */
export interface EventFilters {
  camera?: string;
  kind?: string;
  severity?: string;
  ack?: "yes" | "no";
  /** A span up to now (`1h`, `24h`, `7d`); or `from` and `to` as local date-times. */
  period?: Period;
  from?: string;
  to?: string;
  q?: string;
}

export const PERIODS = { "1h": 3_600_000, "24h": 86_400_000, "7d": 7 * 86_400_000 } as const;
export type Period = keyof typeof PERIODS;

export const KINDS = ["intrusion", "loitering", "line_crossing", "motion"] as const;
export const SEVERITIES = ["high", "medium", "low"] as const;

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
const moment = (value: unknown) => {
  const found = text(value);
  return found !== undefined && !Number.isNaN(Date.parse(found)) ? found : undefined;
};

/** Reads the address: anything odd is left out rather than sent. */
export function parseFilters(search: Record<string, unknown>): EventFilters {
  const found: EventFilters = {
    camera: text(search.camera),
    kind: KINDS.find((kind) => kind === search.kind),
    severity: SEVERITIES.find((severity) => severity === search.severity),
    ack: search.ack === "yes" || search.ack === "no" ? search.ack : undefined,
    period: typeof search.period === "string" && search.period in PERIODS ? (search.period as Period) : undefined,
    from: moment(search.from),
    to: moment(search.to),
    q: text(search.q),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

/** The same as the server's query names, spans turned into instants. */
export function eventQuery(filters: EventFilters, now: number = Date.now()) {
  const query: {
    camera_id?: string;
    kind?: (typeof KINDS)[number];
    severity?: (typeof SEVERITIES)[number];
    acknowledged?: boolean;
    from?: string;
    to?: string;
    text?: string;
  } = {};
  if (filters.camera) query.camera_id = filters.camera;
  if (filters.kind) query.kind = filters.kind as (typeof KINDS)[number];
  if (filters.severity) query.severity = filters.severity as (typeof SEVERITIES)[number];
  if (filters.ack) query.acknowledged = filters.ack === "yes";
  if (filters.period) query.from = new Date(now - PERIODS[filters.period]).toISOString();
  if (!filters.period && filters.from) query.from = new Date(filters.from).toISOString();
  if (!filters.period && filters.to) query.to = new Date(filters.to).toISOString();
  if (filters.q) query.text = filters.q;
  return query;
}

export function csvHref(filters: EventFilters): string {
  const entries = Object.entries(eventQuery(filters)).map(([name, value]) => [name, String(value)]);
  const query = new URLSearchParams(Object.fromEntries(entries) as Record<string, string>).toString();
  return `/api/v1/surveillance/events.csv${query && `?${query}`}`;
}
