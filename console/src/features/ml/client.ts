import { csrfToken } from "@/lib/client";
import { currentLocale } from "@/lib/i18n";
import { ProblemError } from "@/lib/problem";

/** MLflow's paths are not in our description of the API: they are MLflow's. The browser's twins of them take the session's cookie. */
const BASE = "/ajax-api/2.0";
const NEWER = "/ajax-api/3.0";

type Value = string | number | boolean | readonly string[] | undefined;

function query(values: Record<string, Value>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value as string | number | boolean]) search.append(name, String(one));
  }
  const text = search.toString();
  return text && `?${text}`;
}

/** A refusal in MLflow's form, `{error_code, message}`, as the problem that our views show. */
export function refusal(body: unknown, status: number, requestId: string | null): ProblemError {
  if (typeof body === "object" && body !== null && "error_code" in body) {
    const { error_code, message } = body as { error_code?: unknown; message?: unknown };
    const code = typeof error_code === "string" ? error_code : "INTERNAL_ERROR";
    return new ProblemError(
      // The end of a session is noticed by this name, whoever tells of it.
      { ...body, error: code === "UNAUTHENTICATED" ? "unauthenticated" : code, detail: typeof message === "string" && message !== "" ? message : code },
      status,
      requestId,
    );
  }
  return new ProblemError(body, status, requestId);
}

/** The code of a refusal in MLflow's form; null of others. */
export function errorCode(error: unknown): string | null {
  const code = error instanceof ProblemError ? error.body.error_code : undefined;
  return typeof code === "string" ? code : null;
}

async function send(path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("Accept-Language", currentLocale());
  const token = csrfToken();
  if (token && init.method !== "GET" && init.method !== "HEAD") headers.set("X-CSRF-Token", token);
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers, credentials: "same-origin" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ProblemError(null, 0, null);
  }
  if (!response.ok) throw refusal(await response.json().catch(() => null), response.status, response.headers.get("X-Request-ID"));
  return response;
}

interface Options {
  signal?: AbortSignal;
  /** The third version of the API. */
  newer?: boolean;
}

const base = (options: Options) => (options.newer ? NEWER : BASE);

export async function get<T>(path: string, values: Record<string, Value> = {}, options: Options = {}): Promise<T> {
  const response = await send(`${base(options)}/mlflow/${path}${query(values)}`, { method: "GET", signal: options.signal });
  return (await response.json()) as T;
}

export async function post<T = unknown>(path: string, body: unknown, options: Options & { method?: "POST" | "PATCH" | "DELETE" } = {}): Promise<T> {
  const response = await send(`${base(options)}/mlflow/${path}`, {
    method: options.method ?? "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal: options.signal,
  });
  return (await response.json().catch(() => ({}))) as T;
}

/** Where a run's file is, for the browser. */
export function artifactHref(runId: string, path: string): string {
  return `/get-artifact${query({ run_id: runId, path })}`;
}

/** The same to be shown in a frame: the server sandboxes it by its policy, and does not hand it out as a download. */
export function framedHref(runId: string, path: string): string {
  return `/get-artifact${query({ run_id: runId, path, inline: true })}`;
}

/** Whether it does: without both, somebody else's page would be a download, or ours. */
export async function isFramed(runId: string, path: string, signal?: AbortSignal): Promise<boolean> {
  const { headers } = await send(framedHref(runId, path), { method: "HEAD", signal });
  return /^inline/i.test(headers.get("Content-Disposition") ?? "") && /(^|[;,]\s*)sandbox(?![^;]*allow-same-origin)/i.test(headers.get("Content-Security-Policy") ?? "");
}

/** Its first bytes, and whether there are more. */
export async function artifactText(runId: string, path: string, bytes: number, signal?: AbortSignal): Promise<{ text: string; isCut: boolean }> {
  const response = await send(artifactHref(runId, path), { method: "GET", headers: { Range: `bytes=0-${bytes - 1}` }, signal });
  const size = Number(/\/(\d+)$/.exec(response.headers.get("Content-Range") ?? "")?.[1] ?? 0);
  return { text: await response.text(), isCut: size > bytes };
}

/** Metrics and times as numbers, whatever they came as. */
export function number(value: number | string | undefined): number {
  return value === undefined ? Number.NaN : Number(value);
}
