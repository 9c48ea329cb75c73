import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { client, ok } from "./client";
import { answerConfirmation, askToConfirm, useConfirmationAsked } from "./confirmation";
import type { ProblemError } from "./problem";

const refused = () =>
  new Response(JSON.stringify({ error: "identity.confirm-first", status: 403, title: "Forbidden" }), {
    status: 403,
    headers: { "Content-Type": "application/problem+json" },
  });

const change = () => ok(client.PATCH("/api/v1/auth/me", { body: { first_name: "Ada" } }));

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** Answers in turn, and keeps what was sent. */
function server(...answers: Response[]) {
  const sent: { body: string; csrf: string | null }[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    sent.push({ body: await request.text(), csrf: request.headers.get("X-CSRF-Token") });
    return answers.shift()!;
  });
  return sent;
}

describe("a request that wants to know who asks", () => {
  it("goes out again, whole and with the token of now, once that is shown", async () => {
    const sent = server(refused(), Response.json({ first_name: "Ada" }));
    const { result } = renderHook(() => useConfirmationAsked());
    const answer = change();
    await vi.waitFor(() => expect(result.current).toBe(true));
    document.cookie = "socle_csrf=new";
    act(() => answerConfirmation(true));
    await expect(answer).resolves.toEqual({ first_name: "Ada" });
    expect(sent.map(({ body }) => body)).toEqual(['{"first_name":"Ada"}', '{"first_name":"Ada"}']);
    expect(sent[1]!.csrf).toBe("new");
    expect(result.current).toBe(false);
  });

  it("stays refused when the person would rather not, and is not asked twice", async () => {
    const sent = server(refused());
    renderHook(() => useConfirmationAsked());
    const answer = change();
    const code = answer.catch((problem: ProblemError) => problem.code);
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    await new Promise((resolve) => setTimeout(resolve));
    act(() => answerConfirmation(false));
    await expect(code).resolves.toBe("identity.confirm-first");
    expect(sent).toHaveLength(1);
  });

  it("asks once for all that wait", async () => {
    renderHook(() => useConfirmationAsked());
    const both = [askToConfirm(), askToConfirm()];
    expect(both[0]).toBe(both[1]);
    act(() => answerConfirmation(true));
    await expect(Promise.all(both)).resolves.toEqual([true, true]);
  });

  it("is refused at once where nothing could ask", async () => {
    await expect(askToConfirm()).resolves.toBe(false);
  });
});
