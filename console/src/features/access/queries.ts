import { keepPreviousData, queryOptions, useMutation } from "@tanstack/react-query";
import type { NewOAuthClient, OAuthClientChange } from "@/api/types";
import { client, ok } from "@/lib/client";
import { useWrite } from "@/lib/queries-client";

// What may act for somebody: API keys, service accounts, applications, and the keys that sign for all of them.

export const keys = {
  apiKeys: ["access", "api-keys"] as const,
  services: ["access", "services"] as const,
  applications: ["access", "applications"] as const,
  clients: ["access", "clients"] as const,
  signing: ["access", "signing-keys"] as const,
  permissions: ["access", "permissions"] as const,
};

export const permissionsQuery = queryOptions({
  queryKey: keys.permissions,
  queryFn: async ({ signal }) => (await ok(client.GET("/api/v1/permissions", { params: { query: { page_size: 100 } }, signal }))).items,
  staleTime: Infinity,
});

export const apiKeysQuery = (page: number) =>
  queryOptions({
    queryKey: [...keys.apiKeys, page],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/auth/api-keys", { params: { query: { page, page_size: 20 } }, signal })),
    placeholderData: keepPreviousData,
  });

/** Forgets: API keys. */
export const useCreateApiKey = () =>
  useWrite((body: { name: string; scopes: string[]; expires_at: string | null }) => ok(client.POST("/api/v1/auth/api-keys", { body })), keys.apiKeys);

/** Forgets: API keys. */
export const useRevokeApiKey = () => useWrite((id: string) => ok(client.DELETE("/api/v1/auth/api-keys/{id}", { params: { path: { id } } })), keys.apiKeys);

export const servicesQuery = (page: number) =>
  queryOptions({
    queryKey: [...keys.services, "list", page],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/service-accounts", { params: { query: { page, page_size: 20 } }, signal })),
    placeholderData: keepPreviousData,
  });

export const serviceQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.services, "one", id],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/service-accounts/{id}", { params: { path: { id } }, signal })),
  });

/** Forgets: service accounts. */
export const useCreateService = () =>
  useWrite((body: { name: string; role: string; scopes: string[] }) => ok(client.POST("/api/v1/service-accounts", { body })), keys.services);

/** Forgets: service accounts. */
export const useUpdateService = () =>
  useWrite(
    ({ id, ...body }: { id: string; name?: string; is_active?: boolean; scopes?: string[] }) => ok(client.PATCH("/api/v1/service-accounts/{id}", { params: { path: { id } }, body })),
    keys.services,
  );

/** Forgets: service accounts. */
export const useDeleteService = () => useWrite((id: string) => ok(client.DELETE("/api/v1/service-accounts/{id}", { params: { path: { id } } })), [...keys.services, "list"]);

/** Forgets: service accounts. */
export const useAddServiceSecret = () =>
  useWrite((id: string) => ok(client.POST("/api/v1/service-accounts/{id}/secrets", { params: { path: { id } }, body: {} })), keys.services);

/** Forgets: service accounts. */
export const useRemoveServiceSecret = () =>
  useWrite(
    ({ id, secret_id }: { id: string; secret_id: string }) => ok(client.DELETE("/api/v1/service-accounts/{id}/secrets/{secret_id}", { params: { path: { id, secret_id } } })),
    keys.services,
  );

export const applicationsQuery = queryOptions({
  queryKey: keys.applications,
  queryFn: async ({ signal }) => (await ok(client.GET("/api/v1/auth/applications", { params: { query: { page_size: 100 } }, signal }))).items,
});

/** Forgets: applications. */
export const useRemoveApplication = () =>
  useWrite((client_id: string) => ok(client.DELETE("/api/v1/auth/applications/{client_id}", { params: { path: { client_id } } })), keys.applications);

export const clientsQuery = (page: number) =>
  queryOptions({
    queryKey: [...keys.clients, page],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/oauth/clients", { params: { query: { page, page_size: 20 } }, signal })),
    placeholderData: keepPreviousData,
  });

export type ClientInput = Pick<NewOAuthClient, "name" | "kind" | "redirect_uris" | "grant_types" | "client_uri">;

/** Forgets: clients. */
export const useCreateClient = () =>
  useWrite((body: ClientInput) => ok(client.POST("/api/v1/oauth/clients", { body })), keys.clients);

/** Forgets: clients. */
export const useUpdateClient = () =>
  useWrite(
    ({ id, ...body }: { id: string } & OAuthClientChange) => ok(client.PATCH("/api/v1/oauth/clients/{id}", { params: { path: { id } }, body })),
    keys.clients,
  );

/** Forgets: clients. */
export const useDeleteClient = () => useWrite((id: string) => ok(client.DELETE("/api/v1/oauth/clients/{id}", { params: { path: { id } } })), keys.clients);

/** Forgets: clients. */
export const useNewClientSecret = () =>
  useWrite((id: string) => ok(client.POST("/api/v1/oauth/clients/{id}/secret", { params: { path: { id } } })), keys.clients);

export const signingKeysQuery = queryOptions({
  queryKey: keys.signing,
  queryFn: async ({ signal }) => (await ok(client.GET("/api/v1/signing-keys", { params: { query: { page_size: 100 } }, signal }))).items,
});

/** Forgets: signing keys. */
export const useRotateKeys = () => useWrite((revoke: boolean) => ok(client.POST("/api/v1/signing-keys/rotate", { body: { revoke } })), keys.signing);

export const consentQuery = (id: string) =>
  queryOptions({
    queryKey: ["access", "consent", id],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/oauth/requests/{id}", { params: { path: { id } }, signal })),
    retry: false,
    staleTime: Infinity,
  });

/** Says yes or no; the answer is where the browser goes next. */
export const useAnswerConsent = (id: string) =>
  useMutation({
    mutationFn: (yes: boolean) =>
      yes
        ? ok(client.POST("/api/v1/oauth/requests/{id}/approve", { params: { path: { id } }, body: {} }))
        : ok(client.POST("/api/v1/oauth/requests/{id}/deny", { params: { path: { id } } })),
  });

export const useLookUpDevice = () =>
  useMutation({ mutationFn: (user_code: string) => ok(client.POST("/api/v1/oauth/device/lookup", { body: { user_code } })) });

export const useAnswerDevice = () =>
  useMutation({
    mutationFn: ({ user_code, yes }: { user_code: string; yes: boolean }) => ok(client.POST(yes ? "/api/v1/oauth/device/approve" : "/api/v1/oauth/device/deny", { body: { user_code } })),
  });
