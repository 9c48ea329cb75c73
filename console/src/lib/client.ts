import createClient, { type Middleware } from "openapi-fetch";
import type { paths } from "@/api/schema";
import { askToConfirm, CONFIRM_FIRST } from "./confirmation";
import { currentLocale } from "./i18n";
import { ProblemError } from "./problem";

/** The token that the server set beside the session cookie and wants back in a header on every unsafe request. */
export function csrfToken(cookies: string = document.cookie): string | null {
  for (const pair of cookies.split("; ")) {
    const at = pair.indexOf("=");
    if (pair.slice(0, at) === "socle_csrf") return decodeURIComponent(pair.slice(at + 1));
  }
  return null;
}

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

/** Copies of what was sent, for those requests that may have to go out again: a body can be read only once. */
const again = new Map<string, Request>();

const session: Middleware = {
  onRequest({ request, id }) {
    const token = csrfToken();
    if (token && !SAFE.has(request.method)) request.headers.set("X-CSRF-Token", token);
    // The console's language, which need not be the browser's.
    request.headers.set("Accept-Language", currentLocale());
    if (!SAFE.has(request.method)) again.set(id, request.clone());
    return request;
  },
  async onResponse({ response, id }) {
    const copy = again.get(id);
    again.delete(id);
    if (!copy || response.status !== 403) return undefined;
    const body: unknown = await response.clone().json().catch(() => null);
    if (new ProblemError(body, 403, null).code !== CONFIRM_FIRST || !(await askToConfirm())) return undefined;
    const token = csrfToken();
    if (token) copy.headers.set("X-CSRF-Token", token);
    return fetch(copy);
  },
  onError({ error, id }) {
    again.delete(id);
    if (error instanceof DOMException && error.name === "AbortError") return undefined;
    return new ProblemError(null, 0, null);
  },
};

export const client = createClient<paths>({
  baseUrl: typeof location === "undefined" ? "http://localhost" : location.origin,
  credentials: "same-origin",
  fetch: (request) => fetch(request),
});
client.use(session);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of a good answer, or the problem thrown. */
export async function ok<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw problemOf(response, error);
  return data as T;
}

export function problemOf(response: Response, body: unknown): ProblemError {
  const wait = Number(response.headers.get("Retry-After"));
  return new ProblemError(body, response.status, response.headers.get("X-Request-ID"), wait > 0 ? wait : null);
}

/** A request outside the typed API (YAML, text): same cookies, same CSRF token, same problems. */
export async function raw(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const token = csrfToken();
  if (token && !SAFE.has(init.method ?? "GET")) headers.set("X-CSRF-Token", token);
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers, credentials: "same-origin" });
  } catch {
    throw new ProblemError(null, 0, null);
  }
  if (!response.ok) throw problemOf(response, await response.json().catch(() => null));
  return response;
}

/** Uploads a form with progress (0 to 1), which `fetch` cannot tell. */
export function upload(
  path: string,
  form: FormData,
  onProgress: (share: number) => void,
  signal?: AbortSignal,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.responseType = "json";
    const token = csrfToken();
    if (token) request.setRequestHeader("X-CSRF-Token", token);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onerror = () => reject(new ProblemError(null, 0, null));
    request.onabort = () => reject(new DOMException("aborted", "AbortError"));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(request.response);
      else reject(new ProblemError(request.response, request.status, request.getResponseHeader("X-Request-ID")));
    };
    signal?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}
