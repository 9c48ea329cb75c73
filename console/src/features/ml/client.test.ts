import { afterEach, describe, expect, it, vi } from "vitest";
import { artifactHref, errorCode, get, isFramed, post, refusal } from "./client";

describe("a refusal in MLflow's form", () => {
  it("is shown as it is", () => {
    const problem = refusal({ error_code: "RESOURCE_DOES_NOT_EXIST", message: "Run with id=x not found" }, 404, "req_1");
    expect(problem).toMatchObject({ status: 404, code: "RESOURCE_DOES_NOT_EXIST", message: "Run with id=x not found", requestId: "req_1" });
    expect(errorCode(problem)).toBe("RESOURCE_DOES_NOT_EXIST");
  });
  it("that ends the session is known by the name that ours has", () => {
    expect(refusal({ error_code: "UNAUTHENTICATED", message: "sign in" }, 401, null).code).toBe("unauthenticated");
  });
  it("may be ours, too", () => {
    const problem = refusal({ error: "identity.second-factor-needed", detail: "d" }, 403, null);
    expect(problem.code).toBe("identity.second-factor-needed");
    expect(errorCode(problem)).toBeNull();
    expect(refusal(null, 502, null)).toMatchObject({ status: 502, code: "http.502" });
  });
});

describe("calls", () => {
  afterEach(() => vi.unstubAllGlobals());
  const answer = (body: unknown, status = 200) => {
    const fetched = vi.fn<(path: string, init: RequestInit) => Promise<Response>>(() => Promise.resolve(new Response(JSON.stringify(body), { status })));
    vi.stubGlobal("fetch", fetched);
    return fetched;
  };
  it("repeat a name for each of a list and leave out what is not set", async () => {
    const fetched = answer({});
    await get("metrics/get-history-bulk-interval", { run_ids: ["a", "b"], metric_key: "l/r", page_token: undefined });
    expect(fetched.mock.calls[0]![0]).toBe("/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?run_ids=a&run_ids=b&metric_key=l%2Fr");
  });
  it("show the token of the session when they write", async () => {
    document.cookie = "socle_csrf=tok%2Fen";
    const fetched = answer({});
    await post("traces/search", { a: 1 }, { newer: true });
    const [path, init] = fetched.mock.calls[0]!;
    expect(path).toBe("/ajax-api/3.0/mlflow/traces/search");
    expect(new Headers(init.headers).get("X-CSRF-Token")).toBe("tok/en");
    expect(new Headers(init.headers).get("Content-Type")).toBe("application/json");
    await get("runs/get");
    expect(new Headers(fetched.mock.calls[1]![1].headers).get("X-CSRF-Token")).toBeNull();
  });
  it("throw what was refused", async () => {
    answer({ error_code: "INVALID_PARAMETER_VALUE", message: "no" }, 400);
    await expect(post("runs/search", {})).rejects.toMatchObject({ status: 400, code: "INVALID_PARAMETER_VALUE", message: "no" });
  });
  it.each([
    ["inline", "sandbox allow-scripts; default-src 'none'", true],
    ["inline; filename=x", "default-src 'none'; sandbox", true],
    ["attachment", "sandbox; default-src 'none'", false],
    ["inline", "default-src 'self'", false],
    ["inline", "sandbox allow-scripts allow-same-origin", false],
  ])("frame only what is sandboxed: %s, %s", async (disposition, policy, expected) => {
    vi.stubGlobal("fetch", () => Promise.resolve(new Response(null, { headers: { "Content-Disposition": disposition, "Content-Security-Policy": policy } })));
    expect(await isFramed("r", "a.html")).toBe(expected);
  });
  it("name files by their whole path", () => {
    expect(artifactHref("r", "a b/c&d.txt")).toBe("/get-artifact?run_id=r&path=a+b%2Fc%26d.txt");
  });
});
