import type { HeardEvent } from "@/api/types";

/** `data` is what the topic says: nothing is known of it here. */
export type Entry = Omit<HeardEvent, "data"> & { data: unknown; key: string };

/** More than this is not kept on the page: the oldest leave. */
export const KEPT = 500;

let serial = 0;

/** Frames are not kept by the server and have no offset: they get a number of our own, so that lists can tell them apart. */
export function entryOf(event: Omit<Entry, "offset" | "key"> & { offset: number | null }): Entry {
  return { ...event, offset: event.offset ?? -1, key: event.offset === null ? `frame-${(serial += 1)}` : String(event.offset) };
}

/** What a task's room is told, its workspace's room is told too: twice is once too much to read. */
const isDouble = (entry: Entry) => entry.room.startsWith("task:");

/** Newest first, each once, `KEPT` at most. */
export function merged(live: readonly Entry[], past: readonly Entry[]): Entry[] {
  const seen = new Set(live.map((entry) => entry.key));
  return [...live, ...past.filter((entry) => !seen.has(entry.key))].filter((entry) => !isDouble(entry)).slice(0, KEPT);
}

export interface LogFilter {
  topic: string;
  words: string;
}

/** By topic (whole, or a module's with a dot at the end) and by words anywhere in what was told. */
export function passes(entry: Entry, { topic, words }: LogFilter): boolean {
  if (topic !== "" && entry.topic !== topic && !(topic.endsWith(".") && entry.topic.startsWith(topic))) return false;
  return words === "" || `${entry.topic} ${entry.room} ${JSON.stringify(entry.data)}`.toLowerCase().includes(words.toLowerCase());
}

/** The topics to choose from: each module, then each topic that was heard. */
export function topicChoices(entries: readonly Entry[]): string[] {
  const topics = new Set(entries.map((entry) => entry.topic));
  const modules = new Set([...topics].map((topic) => `${topic.split(".")[0]}.`));
  return [...[...modules].sort(), ...[...topics].sort()];
}

/** What says most of an event, in this order; then what is not told here; ids last, since they are read by machines. */
const TELLING = ["title", "name", "kind", "state", "status", "severity", "progress", "key", "message"];
function rank(name: string): number {
  const at = TELLING.findIndex((one) => name === one || name.endsWith(`_${one}`));
  return at >= 0 ? at : /(^|_)id$/.test(name) ? TELLING.length + 1 : TELLING.length;
}

/** The heart of an event in one line: a few of its plain values. */
export function summary(data: unknown): string {
  if (typeof data !== "object" || data === null) return data === null || data === undefined ? "" : JSON.stringify(data);
  const plain = Object.entries(data).filter(([, value]) => ["string", "number", "boolean"].includes(typeof value));
  return plain
    .sort(([one], [other]) => rank(one) - rank(other))
    .slice(0, 4)
    .map(([name, value]) => `${name}: ${String(value)}`)
    .join(" · ");
}
