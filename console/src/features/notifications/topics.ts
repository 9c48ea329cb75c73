export const ALL = "*";

/** `["*"]` hears everything; else at least one topic is needed. */
export function hearsAll(topics: readonly string[]): boolean {
  return topics.includes(ALL);
}

/**
 * What can be chosen: of each module everything (`jobs.*`), then its topics; and what is chosen though nobody tells it any
 * more, so that it can be taken away.
 */
export function choices(topics: readonly string[], chosen: readonly string[]): string[] {
  const modules = new Map<string, string[]>();
  for (const topic of topics) {
    const module = `${topic.split(".")[0]}.*`;
    modules.set(module, [...(modules.get(module) ?? []), topic]);
  }
  const known = [...modules].flatMap(([module, members]) => [module, ...members]);
  return [...known, ...chosen.filter((one) => one !== ALL && !known.includes(one))];
}

/** With or without one topic, in the order of the alphabet, so that the same choice is the same list. */
export function toggled(topics: readonly string[], topic: string, on: boolean): string[] {
  const kept = topics.filter((one) => one !== topic && one !== ALL);
  return (on ? [...kept, topic] : kept).sort();
}
