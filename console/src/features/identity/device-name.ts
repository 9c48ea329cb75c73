const BROWSERS = [
  [/Edg(e|A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/Chrome\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
] as const;
const SYSTEMS = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/CrOS/, "ChromeOS"],
  [/Mac OS X|Macintosh/, "Mac"],
  [/Linux/, "Linux"],
] as const;

const first = (list: readonly (readonly [RegExp, string])[], text: string) => list.find(([sign]) => sign.test(text))?.[1];

/** "Firefox, Linux" out of a `User-Agent`; what programs call themselves stays as it is. */
export function deviceName(agent: string): string {
  if (!/^Mozilla\//.test(agent)) return agent;
  const names = [first(BROWSERS, agent), first(SYSTEMS, agent)].filter(Boolean);
  return names.length > 0 ? names.join(", ") : agent;
}
