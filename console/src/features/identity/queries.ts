import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { client, ok } from "@/lib/client";
import { meQuery } from "@/lib/session";

export const keys = {
  users: ["identity", "users"] as const,
  userSessions: ["identity", "user-sessions"] as const,
  roles: ["identity", "roles"] as const,
  sessions: ["identity", "sessions"] as const,
  firstRun: ["identity", "first-run"] as const,
};

export const personQuery = (id: string) =>
  queryOptions({
    queryKey: ["identity", "person", id],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/users/{id}", { params: { path: { id } }, signal })),
    staleTime: 300_000,
    retry: false,
  });

export const rolesQuery = queryOptions({
  queryKey: keys.roles,
  queryFn: ({ signal }) => ok(client.GET("/api/v1/roles", { params: { query: { page_size: 100 } }, signal })),
  staleTime: 300_000,
});

export const sessionsQuery = queryOptions({
  queryKey: keys.sessions,
  queryFn: ({ signal }) => ok(client.GET("/api/v1/auth/sessions", { params: { query: { page_size: 100 } }, signal })),
});

export const firstRunQuery = queryOptions({
  queryKey: keys.firstRun,
  queryFn: ({ signal }) => ok(client.GET("/api/v1/auth/first-run", { signal })),
  retry: false,
});

/** Creates the administrator and signs in. Forgets everything: nothing was known before. */
export function useFirstRun() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: { token: string; email: string; password: string; first_name: string; last_name: string }) =>
      ok(client.POST("/api/v1/auth/first-run", { body })),
    onSuccess: () => queries.clear(),
  });
}

export function useResetPassword() {
  return useMutation({
    mutationFn: (body: { token: string; new_password: string }) => ok(client.POST("/api/v1/auth/reset", { body })),
  });
}

/** Puts the answer in the place of who is signed in. */
export function useUpdateMe() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: { first_name?: string; last_name?: string; locale?: "en" | "fr" }) => ok(client.PATCH("/api/v1/auth/me", { body })),
    onSuccess: (me) => queries.setQueryData(meQuery.queryKey, me),
  });
}

/** Forgets: sessions, of which only this one is left. */
export function useChangePassword() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: { current_password: string; new_password: string }) => ok(client.POST("/api/v1/auth/password", { body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.sessions }),
  });
}

/** Ends one session, or all others without an id. Forgets: sessions. */
export function useEndSession() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string | null) =>
      id === null
        ? ok(client.DELETE("/api/v1/auth/sessions"))
        : ok(client.DELETE("/api/v1/auth/sessions/{id}", { params: { path: { id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.sessions }),
  });
}
