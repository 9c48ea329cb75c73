/** A refusal or failure as the server tells it (RFC 9457), or as the network does. Thrown by every call; views show it. */
export class ProblemError extends Error {
  /** HTTP status, 0 when no answer came. */
  readonly status: number;
  /** Stable code such as `identity.bad-credentials`; `network` when no answer came. */
  readonly code: string;
  readonly requestId: string | null;
  readonly fields: readonly { pointer: string; detail: string }[];
  /** Seconds that the server asks us to wait, when it does. */
  readonly retryAfter: number | null;
  /** All that the server said: some refusals carry more. */
  readonly body: Readonly<Record<string, unknown>>;

  constructor(body: unknown, status: number, requestId: string | null, retryAfter: number | null = null) {
    const problem = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
    const text = (key: string) => (typeof problem[key] === "string" ? problem[key] : null);
    super(text("detail") ?? text("title") ?? (status === 0 ? "" : `HTTP ${status}`));
    this.name = "ProblemError";
    this.status = status;
    this.code = text("error") ?? (status === 0 ? "network" : `http.${status}`);
    this.requestId = text("request_id") ?? requestId;
    this.fields = Array.isArray(problem.errors) ? (problem.errors as { pointer: string; detail: string }[]) : [];
    this.retryAfter = retryAfter;
    this.body = problem;
  }

  /** What the server says about one field, by JSON pointer. */
  field(pointer: string): string | undefined {
    return this.fields.find((entry) => entry.pointer === pointer)?.detail;
  }
}

export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  return new ProblemError({ title: error instanceof Error ? error.message : String(error) }, 0, null);
}
