import { isDoor } from "./doors";

/** Where to go after sign-in: only to paths of our own, never to another host, however it is dressed up. */
export function safeNext(next: unknown): string {
  if (typeof next !== "string" || !next.startsWith("/")) return "/";
  try {
    const url = new URL(next, "http://own.invalid");
    if (url.origin !== "http://own.invalid" || isDoor(url.pathname)) return "/";
    return url.pathname + url.search + url.hash;
  } catch {
    return "/";
  }
}
