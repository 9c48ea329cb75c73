import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { client, ok } from "@/lib/client";
import { meQuery } from "@/lib/session";
import { useWrite } from "@/lib/queries-client";
import { askForKey, makeKey } from "@/lib/webauthn";
import { plainCode } from "./doors";

// One's own account: how one signs in, and what one is called.

export const keys = {
  security: ["identity", "security"] as const,
  passkeys: ["identity", "passkeys"] as const,
};

export const securityQuery = queryOptions({
  queryKey: keys.security,
  queryFn: ({ signal }) => ok(client.GET("/api/v1/auth/security", { signal })),
});

export const passkeysQuery = queryOptions({
  queryKey: keys.passkeys,
  queryFn: async ({ signal }) => (await ok(client.GET("/api/v1/auth/passkeys", { params: { query: { page_size: 100 } }, signal }))).items,
});

/** Shows anew who one is, by password, by code or (null) by passkey. */
export const useConfirm = () =>
  useMutation({
    mutationFn: async (proof: { password: string } | { code: string } | null) => {
      if (proof && "code" in proof) return ok(client.POST("/api/v1/auth/confirm", { body: { code: plainCode(proof.code) } }));
      if (proof) return ok(client.POST("/api/v1/auth/confirm", { body: proof }));
      const options = await ok(client.POST("/api/v1/auth/confirm/passkey"));
      return ok(client.POST("/api/v1/auth/confirm", { body: { credential: await askForKey(options) } }));
    },
  });

export const useStartTotp = () => useMutation({ mutationFn: () => ok(client.POST("/api/v1/auth/totp")) });

/** Forgets: security. */
export const useConfirmTotp = () =>
  useWrite((code: string) => ok(client.POST("/api/v1/auth/totp/confirm", { body: { code: plainCode(code) } })), keys.security);

/** Forgets: security. */
export const useStopTotp = () => useWrite(() => ok(client.DELETE("/api/v1/auth/totp")), keys.security);

/** Forgets: security. */
export const useNewRecoveryCodes = () => useWrite(() => ok(client.POST("/api/v1/auth/recovery-codes")), keys.security);

/** Forgets: passkeys, security. */
export const useAddPasskey = () =>
  useWrite(
    async (name: string) => {
      const options = await ok(client.POST("/api/v1/auth/passkeys/start"));
      return ok(client.POST("/api/v1/auth/passkeys", { body: { name, credential: await makeKey(options) } }));
    },
    keys.passkeys,
    keys.security,
  );

/** Forgets: passkeys. */
export const useRenamePasskey = () =>
  useWrite(({ id, name }: { id: string; name: string }) => ok(client.PATCH("/api/v1/auth/passkeys/{id}", { params: { path: { id } }, body: { name } })), keys.passkeys);

/** Forgets: passkeys, security. */
export const useRemovePasskey = () =>
  useWrite((id: string) => ok(client.DELETE("/api/v1/auth/passkeys/{id}", { params: { path: { id } } })), keys.passkeys, keys.security);

/** Forgets: security. */
export const useUnlink = () => useWrite((id: string) => ok(client.DELETE("/api/v1/auth/providers/{id}", { params: { path: { id } } })), keys.security);

/** Forgets: who is signed in, which tells of the address that waits. */
export const useChangeEmail = () =>
  useWrite((body: { new_email: string; current_password: string }) => ok(client.POST("/api/v1/auth/email", { body })), meQuery.queryKey);

/** Forgets: who is signed in. */
export const useDropEmailChange = () => useWrite(() => ok(client.DELETE("/api/v1/auth/email")), meQuery.queryKey);

export function useDeleteMe() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (current_password: string) => ok(client.DELETE("/api/v1/auth/me", { body: { current_password } })),
    onSuccess: () => queries.clear(),
  });
}
