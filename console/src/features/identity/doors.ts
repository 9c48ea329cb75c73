import { queryOptions, useMutation } from "@tanstack/react-query";
import { client, ok } from "@/lib/client";
import type { ProblemError } from "@/lib/problem";
import { useWayIn } from "@/lib/session";
import { askForKey, type Options } from "@/lib/webauthn";

// What is asked and told before anybody is signed in.

export const optionsQuery = queryOptions({
  queryKey: ["identity", "options"],
  queryFn: ({ signal }) => ok(client.GET("/api/v1/auth/options", { signal })),
  staleTime: 60_000,
  retry: false,
});

export const METHODS = ["totp", "passkey", "recovery_code"] as const;
export type Method = (typeof METHODS)[number];

/** The second step that the server asks for, where the password was right and is not enough. */
export interface SecondStep {
  challenge: string;
  methods: Method[];
}

export function secondStepOf(problem: ProblemError | null): SecondStep | null {
  if (problem?.code !== "identity.second-factor-required") return null;
  const asked = problem.body.second_factor as { challenge?: unknown; methods?: unknown } | undefined;
  if (typeof asked?.challenge !== "string" || !Array.isArray(asked.methods)) return null;
  const given = asked.methods as unknown[];
  return { challenge: asked.challenge, methods: METHODS.filter((one) => given.includes(one)) };
}

/** The same, where another provider's answer ends in a second step: behind the hash, which no server and no log gets to see. */
export function secondStepIn(hash: string): (SecondStep & { next: string | null }) | null {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const challenge = fields.get("second-factor");
  if (!challenge) return null;
  const given = (fields.get("methods") ?? "").split(",");
  return { challenge, methods: METHODS.filter((one) => given.includes(one)), next: fields.get("next") };
}

/** A code as people type it from a screen or from paper: blanks mean nothing. */
export const plainCode = (typed: string) => typed.replace(/\s/g, "");

export const useSecondStep = (challenge: string) =>
  useWayIn(async (code: string | null) => {
    if (code !== null) return ok(client.POST("/api/v1/auth/session/second-factor", { body: { challenge, code: plainCode(code) } }));
    const options = await ok(client.POST("/api/v1/auth/second-factor/passkey", { body: { challenge } }));
    return ok(client.POST("/api/v1/auth/session/second-factor", { body: { challenge, credential: await askForKey(options) } }));
  });

export interface PasskeyStart {
  challenge: string;
  options: Options;
}

export const startPasskey = () => ok(client.POST("/api/v1/auth/passkey/start"));

/** Signs in with a passkey alone. With a signal, the browser offers it at the field of the address, and waits. */
export const usePasskeySignIn = () =>
  useWayIn(async (conditional: AbortSignal | undefined) => {
    const { challenge, options } = await startPasskey();
    const credential = await askForKey(options, conditional);
    return ok(client.POST("/api/v1/auth/session/passkey", { body: { challenge, credential } }));
  });

export const useRegister = () =>
  useMutation({
    mutationFn: (body: { email: string; password: string; first_name: string; last_name: string; locale: "en" | "fr" }) =>
      ok(client.POST("/api/v1/auth/register", { body })),
  });

export const useResendVerification = () =>
  useMutation({ mutationFn: (email: string) => ok(client.POST("/api/v1/auth/verify/resend", { body: { email } })) });

export const useVerify = () => useMutation({ mutationFn: (token: string) => ok(client.POST("/api/v1/auth/verify", { body: { token } })) });

export const useForgot = () => useMutation({ mutationFn: (email: string) => ok(client.POST("/api/v1/auth/forgot", { body: { email } })) });

export const useConfirmEmail = () =>
  useMutation({ mutationFn: (token: string) => ok(client.POST("/api/v1/auth/email/confirm", { body: { token } })) });

export const invitationQuery = (token: string) =>
  queryOptions({
    queryKey: ["identity", "invitation", token],
    queryFn: ({ signal }) => ok(client.POST("/api/v1/auth/invitation", { body: { token }, signal })),
    retry: false,
  });

export const useAcceptInvitation = () =>
  useMutation({
    mutationFn: (body: { token: string; password?: string; first_name?: string; last_name?: string }) => ok(client.POST("/api/v1/auth/invitation/accept", { body })),
  });

export const strengthQuery = (password: string, email: string | undefined) =>
  queryOptions({
    queryKey: ["identity", "strength", password, email],
    queryFn: ({ signal }) => ok(client.POST("/api/v1/auth/password/strength", { body: { password, email: email || undefined }, signal })),
    enabled: password !== "",
    // A password is not kept longer than it is looked at.
    gcTime: 0,
    staleTime: Infinity,
    retry: false,
  });
